#pragma once

#include <map>
#include <memory>
#include <string>

#include "services/loader/app/destination_feed.h"

namespace penstock::loader {

// Watches the queue and gives each destination what waits for it. Thread-confined.
class Intake {
 public:
  explicit Intake(LoaderWorld& world);
  // Takes no more; attempts under way end, the rest goes back.
  void Stop();

 private:
  asio::awaitable<void> Watch();
  asio::awaitable<bool> OfferReady();
  DestinationFeed& FeedOf(const std::string& destination);

  LoaderWorld& world_;
  std::map<std::string, std::unique_ptr<DestinationFeed>> feeds_;
  bool stopped_ = false;
  Signal stopping_;
};

}  // namespace penstock::loader

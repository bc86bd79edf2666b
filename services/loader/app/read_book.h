#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "penstock/internal/v1/delivery.grpc.pb.h"
#include "services/loader/app/read_plan.h"
#include "services/loader/app/tasks.h"

namespace penstock::loader {

namespace pb = penstock::internal::v1;

// The plans of the reads whose batches are being sent. What state says is asked again after
// `connection_refresh`, so that a rotated secret or a changed connection is used within seconds;
// what did not change is kept with all that was compiled for it. Thread-confined.
class ReadBook {
 public:
  ReadBook(Tasks& tasks, pb::DeliveryService::StubInterface& state, const LoaderSettings& settings)
      : tasks_(tasks), state_(state), settings_(settings) {}

  // STATE_UNAVAILABLE, RESOURCE_NOT_FOUND, SECRET_NOT_FOUND, INVALID_CONFIGURATION. A plan stays
  // valid as long as it is held, also when a newer one takes its place.
  asio::awaitable<absl::StatusOr<std::shared_ptr<ReadPlan>>> Find(Uuid run, uint32_t read);
  // Asks anew for this destination's reads, whatever their age: its credentials were refused.
  asio::awaitable<void> Refresh(const std::string& destination);
  // Whose limits hold for a destination of which any read was described.
  std::string AccountOf(const std::string& destination) const;

 private:
  struct Entry {
    std::shared_ptr<ReadPlan> plan;
    pb::DescribeReadResponse described;
    BootTime asked;
  };
  asio::awaitable<absl::StatusOr<std::shared_ptr<ReadPlan>>> Ask(Uuid run, uint32_t read);
  absl::StatusOr<std::shared_ptr<ReadPlan>> MakePlan(const pb::DescribeReadResponse& described);
  absl::StatusOr<std::shared_ptr<Connection>> Connect(const Connector& connector,
                                                      const Destination& destination);

  Tasks& tasks_;
  pb::DeliveryService::StubInterface& state_;
  const LoaderSettings& settings_;
  std::map<std::pair<Uuid, uint32_t>, Entry> entries_;
  std::map<std::string, std::weak_ptr<Connection>> connections_;  // by destination
  OAuthTokens tokens_;
  std::map<std::string, std::string> accounts_;  // by destination
};

}  // namespace penstock::loader

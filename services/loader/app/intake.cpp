#include "services/loader/app/intake.h"

#include <algorithm>

#include "services/common/obs/log.h"

namespace penstock::loader {

Intake::Intake(LoaderWorld& world) : world_(world), stopping_(world.tasks.executor()) {
  world_.tasks.Spawn(Watch());
}

void Intake::Stop() {
  stopped_ = true;
  for (const auto& [name, feed] : feeds_) feed->Stop();
  stopping_.Notify();
}

asio::awaitable<void> Intake::Watch() {
  std::string last;
  while (!stopped_) {
    const bool known = co_await OfferReady();
    if (stopped_) co_return;
    if (known) {
      const auto pushed = co_await world_.queue.WaitForPush(
          last, std::chrono::duration_cast<milliseconds>(world_.settings.poll_interval));
      if (pushed.ok()) {
        last = *pushed;
        continue;
      }
    }
    co_await stopping_.WaitFor(world_.settings.poll_interval);
  }
}

asio::awaitable<bool> Intake::OfferReady() {
  const auto ready = co_await world_.queue.ReadyStreams();
  if (!ready.ok()) {
    LogWarning("queue_away", "waits for Redis", ready.status());
    co_return false;
  }
  if (stopped_) co_return true;
  std::map<std::string, std::vector<StreamId>> by_destination;
  for (const StreamId& stream : *ready) by_destination[stream.destination].push_back(stream);
  for (const auto& [destination, streams] : by_destination) FeedOf(destination).Offer(streams);
  co_return true;
}

DestinationFeed& Intake::FeedOf(const std::string& destination) {
  std::unique_ptr<DestinationFeed>& feed = feeds_[destination];
  if (!feed) {
    feed = std::make_unique<DestinationFeed>(world_, destination, [this] {
      const auto busy =
          static_cast<uint64_t>(std::count_if(feeds_.begin(), feeds_.end(), [](const auto& entry) {
            return entry.second && !entry.second->idle();
          }));
      return std::min(world_.settings.destination_memory.bytes,
                      world_.settings.total_memory.bytes / std::max<uint64_t>(busy, 1));
    });
  }
  return *feed;
}

}  // namespace penstock::loader

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/loader/app/batch_delivery.h"
#include "services/loader/app/loader_world.h"
#include "services/loader/domain/deficit_round_robin.h"

namespace penstock::loader {

// Takes one destination's batches from the queue and has them delivered. It shares no slot, permit
// or memory with other destinations, so a dead one holds up nobody. Thread-confined.
class DestinationFeed {
 public:
  // `max_bytes`: of encoded batches in memory, asked before each take.
  DestinationFeed(LoaderWorld& world, std::string destination, std::function<uint64_t()> max_bytes);

  // Streams that hold batches.
  void Offer(const std::vector<StreamId>& ready);
  // Takes no more; what has not left goes back.
  void Stop();
  bool idle() const { return entries_.empty() && turns_.size() == 0; }

 private:
  struct Entry {
    StreamId stream;
    std::string id;
    size_t bytes = 0;
  };

  asio::awaitable<void> TakeBatches();
  asio::awaitable<bool> TakeOne();
  asio::awaitable<void> ClaimLost();
  asio::awaitable<void> TouchEntries();
  void Accept(const StreamId& stream, TakenBatch taken);
  asio::awaitable<void> Deliver(Entry entry, std::string body);
  asio::awaitable<EntryFate> DeliverBatch(const Batch& batch);
  // Waits until the run may have one more batch under way here; false: the process ends.
  asio::awaitable<bool> EnterRun(const Uuid& run, std::optional<uint32_t> max_in_flight);
  void LeaveRun(const Uuid& run);
  asio::awaitable<absl::StatusOr<std::shared_ptr<ReadPlan>>> FindPlan(const BatchId& id);
  asio::awaitable<void> Pause(Duration length);
  LaneRunner& LaneOf(const ReadPlan& plan);
  // No batch of this destination can be sent until somebody has changed something.
  asio::awaitable<absl::StatusOr<QuotaLease>> ChargeQuota(const std::string& account,
                                                          const std::vector<QuotaWindow>& windows,
                                                          int64_t attempts);
  asio::awaitable<void> ParkForUser(absl::Status problem);
  asio::awaitable<void> Park(std::string account, LanePark park);
  bool HasRoom() const;

  LoaderWorld& world_;
  const std::string destination_;
  const std::function<uint64_t()> max_bytes_;
  DeficitRoundRobin turns_;
  std::map<std::string, StreamId> streams_;  // of turns_
  std::map<std::string, Entry> entries_;     // in memory, by stream and id
  std::map<std::string, std::unique_ptr<LaneRunner>> lanes_;
  std::map<Uuid, uint32_t> under_way_;  // batches by run
  uint64_t bytes_ = 0;
  Signal changed_, stopping_, left_run_;
  bool stopped_ = false;
};

}  // namespace penstock::loader

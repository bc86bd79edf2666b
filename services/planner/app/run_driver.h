#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "penstock/internal/v1/planning.grpc.pb.h"
#include "penstock/internal/v1/workers.grpc.pb.h"
#include "penstock/v1/cluster_service.pb.h"
#include "services/common/obs/metrics.h"
#include "services/common/queue/work_queue.h"
#include "services/common/redis/redis_watch.h"
#include "services/common/rpc/client_stream.h"
#include "services/planner/app/workers.h"
#include "services/planner/domain/decide.h"

namespace penstock::planner {

namespace pb = penstock::internal::v1;

// Moves runs: watches their facts, decides, tells state; issues tickets for waiting tasks; claims
// what is due; closes the queues of reads that are over; and looks over everything now and then,
// for what a lost message left behind. Planners do this side by side: each step is a
// compare-and-set in state. Confined to one strand.
class RunDriver : public std::enable_shared_from_this<RunDriver> {
 public:
  struct Options {
    std::chrono::nanoseconds reconcile_interval = std::chrono::seconds(5);
    std::chrono::nanoseconds call_timeout = std::chrono::seconds(30);
    // A destination that is down is tried again this long after a test failed.
    std::chrono::nanoseconds test_interval = std::chrono::seconds(30);
    Policy policy;
  };

  // `strand` serialises everything; all references must outlive the driver.
  RunDriver(boost::asio::any_io_executor strand, Options options,
            pb::PlanningService::StubInterface& state, pb::LoaderService::StubInterface& loader,
            Workers& loaders, WorkQueue& queue, const RedisWatch& redis, Metrics& metrics);

  void Start();
  void Stop();

  // The last look over everything worked.
  bool healthy() const { return healthy_; }
  // Work in flight as it was measured last; nothing while Redis does not answer. Thread-safe.
  std::optional<penstock::v1::Backlog> backlog() const;

 private:
  boost::asio::awaitable<void> ReconcileLoop();
  boost::asio::awaitable<void> ClaimLoop();
  // The end of a run may be what others start after.
  void ClaimSoon();
  // Closes the streams that are over, and measures the others: batches by Destination. Nothing when
  // Redis does not answer.
  boost::asio::awaitable<std::optional<std::map<std::string, int64_t>>> LookOverStreams(
      std::set<std::string> active);
  boost::asio::awaitable<void> MeasureBacklog(std::set<std::string> active);
  void Tell(std::optional<penstock::v1::Backlog> backlog);
  boost::asio::awaitable<bool> IsOver(const StreamId& stream);
  void Watch();

  // Looks at a run and takes the step that is due, then the next one, until it waits for somebody.
  boost::asio::awaitable<void> Drive(pb::RunFacts facts);
  boost::asio::awaitable<bool> TestDestination(const pb::RunFacts& facts);
  // Pending batches that are in no stream: told twice in a row, they are lost.
  boost::asio::awaitable<bool> BatchesLost(const pb::RunFacts& facts);
  boost::asio::awaitable<void> Sleep(std::chrono::nanoseconds time);
  void Spawn(pb::RunFacts facts);

  boost::asio::any_io_executor strand_;
  const Options options_;
  pb::PlanningService::StubInterface& state_;
  pb::LoaderService::StubInterface& loader_;
  Workers& loaders_;
  WorkQueue& queue_;
  const RedisWatch& redis_;
  Metrics& metrics_;
  mutable std::mutex backlog_mutex_;
  std::optional<penstock::v1::Backlog> backlog_;

  bool stopped_ = false;
  bool claim_soon_ = false;
  boost::asio::steady_timer next_claim_;
  std::atomic<bool> healthy_ = false;
  std::set<std::string> driving_;              // runs that a coroutine is at
  std::map<std::string, pb::RunFacts> newer_;  // facts that came meanwhile
  std::map<std::string, uint32_t>
      without_batches_;                     // run -> its read, when no batch of it was found
  std::map<std::string, BootTime> tested_;  // run -> last test of its destination
  ClientStream<pb::WatchRunsRequest, pb::WatchRunsResponse>::Ptr watch_;
  uint64_t watches_ = 0;  // that were begun: the number of the newest
  BootTime watching_since_{};
  std::set<boost::asio::steady_timer*> sleeping_;
};

}  // namespace penstock::planner

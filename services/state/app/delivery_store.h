#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/delivery.pb.h"
#include "services/common/core/uuid.h"
#include "services/state/domain/run_machine.h"
#include "services/state/domain/settlement.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// The batch that a request is about.
const pb::BatchRef& RefOf(const pb::DeliverRequest& request);

// Answers a group of Begins, Reports and Releases in one transaction, each as if it stood alone. A
// transaction costs one flush of the log however many batches it settles.
class DeliveryGroup {
 public:
  // What to do with a run that a transition holds, perhaps for as long as a large log takes to
  // seal.
  enum class Moving : uint8_t { kSkip, kWaitFor };
  DeliveryGroup(PgTransaction& tx, Moving moving) : tx_(tx), moving_(moving) {}

  // The responses, in the order of the requests; none where the request's run was skipped. An error
  // means that nothing of the group was stored.
  absl::StatusOr<std::vector<std::optional<pb::DeliverResponse>>> Answer(
      std::span<const pb::DeliverRequest> requests);

 private:
  struct RunRow {
    RunState state = RunState::kQueued;
    int64_t read = 0;
    bool closed = true;
    uint32_t max_in_flight = 0;
  };
  struct BatchRow;

  // Locks the runs against transitions, in the order of their ids, and where a run limits its open
  // grants its read too, so that they are counted by one group at a time.
  absl::Status LockRuns(std::span<const pb::DeliverRequest> requests);
  // Tells runs that were skipped from those that are not there.
  absl::Status FindSkipped(const std::vector<std::string>& missing);
  // Grants of the run that are open; 0 where no limit asks for it.
  absl::StatusOr<uint32_t> OpenGrants(const Uuid& run);
  absl::StatusOr<std::optional<BatchRow>> LoadBatch(const pb::BatchRef& ref);

  absl::Status Begin(const pb::DeliverRequest& request, pb::DeliverResponse& response);
  absl::Status Report(const pb::DeliverRequest& request, pb::DeliverResponse& response);
  absl::Status Release(const pb::DeliverRequest& request, pb::DeliverResponse& response);
  // Adds the outcomes of the group to the counters of its reads, and tells who waits for a run to
  // end.
  absl::Status AddCounters();

  using CounterKey = std::tuple<Uuid, int64_t, int>;  // run, read, operation

  PgTransaction& tx_;
  const Moving moving_;
  std::map<Uuid, RunRow> runs_;
  std::set<Uuid> skipped_;
  std::map<CounterKey, OutcomeCounts> counters_;
};

absl::Status DescribeRead(PgTransaction& tx, const pb::DescribeReadRequest& request,
                          pb::DescribeReadResponse& response);

}  // namespace penstock::state

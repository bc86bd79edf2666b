#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/model/batch.h"
#include "services/loader/app/deliver_stream.h"

namespace penstock::loader {

enum class GrantAnswer : uint8_t {
  kGranted,
  kOver,   // the batch is settled or stale, or its run is not active: nothing to do with it here
  kBusy,   // another loader sends it
  kLimit,  // the run has as many grants open as its Sync allows
  kLost,   // a report came too late and changed nothing: what was learned is not stored
  kEnded,  // the process ends
};

// State's permission to send one batch. Its length counts from before the Begin was sent, on
// CLOCK_BOOTTIME. Calls of several coroutines are carried out one after the other. Thread-confined.
class BatchGrant {
 public:
  BatchGrant(DeliverStream& state, const asio::any_io_executor& executor, const Batch& batch,
             Duration margin);

  // Makes sure that the grant holds for an attempt of this length from now, asking or extending
  // where it does not.
  asio::awaitable<GrantAnswer> Acquire(Duration attempt);
  // No byte may leave from then on.
  BootTime ends() const { return ends_; }
  // Stores what is known. kGranted: stored. `all_answered` closes the grant.
  asio::awaitable<GrantAnswer> Report(std::string outcomes, std::string unanswered,
                                      std::vector<pb::RecordProblem> problems, bool all_answered);
  // Nothing was sent under it.
  asio::awaitable<void> Release();
  // What state said last.
  const pb::Granted& granted() const { return granted_; }

 private:
  pb::DeliverRequest Begin(Duration attempt) const;
  asio::awaitable<void> Enter();
  void Leave();
  void FillRef(pb::BatchRef& ref) const;

  DeliverStream& state_;
  const Batch& batch_;
  const Duration margin_;
  bool busy_ = false;
  Signal free_;
  bool open_ = false;
  BootTime ends_{};
  pb::Granted granted_;
};

}  // namespace penstock::loader

#include "services/planner/app/facts.h"

#include "services/common/convert/run_error.h"

namespace penstock::planner {
namespace {

namespace pb = penstock::internal::v1;

Phase PhaseOf(pb::RunMachineState state) {
  switch (state) {
    case pb::RUN_MACHINE_STATE_QUEUED:
      return Phase::kQueued;
    case pb::RUN_MACHINE_STATE_READING:
      return Phase::kReading;
    case pb::RUN_MACHINE_STATE_DELIVERING:
      return Phase::kDelivering;
    case pb::RUN_MACHINE_STATE_REMOVING:
      return Phase::kRemoving;
    case pb::RUN_MACHINE_STATE_FINALIZING:
      return Phase::kFinalizing;
    case pb::RUN_MACHINE_STATE_CANCELLING:
      return Phase::kCancelling;
    case pb::RUN_MACHINE_STATE_PARKING:
      return Phase::kParking;
    case pb::RUN_MACHINE_STATE_PARKED:
      return Phase::kParked;
    default:
      return Phase::kTerminal;
  }
}

pb::RunEvent EventOf(Event event) {
  switch (event) {
    case Event::kStart:
      return pb::RUN_EVENT_START;
    case Event::kNewRead:
      return pb::RUN_EVENT_NEW_READ;
    case Event::kRemove:
      return pb::RUN_EVENT_REMOVE;
    case Event::kFinalize:
      return pb::RUN_EVENT_FINALIZE;
    case Event::kFinish:
      return pb::RUN_EVENT_FINISH;
    case Event::kStop:
      return pb::RUN_EVENT_STOP;
    case Event::kStopped:
      return pb::RUN_EVENT_STOPPED;
    case Event::kParked:
      return pb::RUN_EVENT_PARKED;
    case Event::kResume:
      return pb::RUN_EVENT_RESUME;
    case Event::kTestDestination:
      break;
  }
  return pb::RUN_EVENT_UNSPECIFIED;
}

}  // namespace

RunFacts ToDomain(const pb::RunFacts& in) {
  RunFacts out{.phase = PhaseOf(in.state()),
               .pending = in.pending(),
               .open_grants = in.open_grants(),
               .may_start = in.may_start(),
               .may_remove = in.may_remove(),
               .tasks_done = in.tasks_done(),
               .task_lost = in.task_lost(),
               .fruitless_reads = in.fruitless_reads(),
               .parked_for = static_cast<ParkedFor>(in.park_reason()),
               .park_left = milliseconds(in.park_left_ms()),
               .parked_since = milliseconds(in.parked_for_ms()),
               .give_up_after = milliseconds(in.give_up_after_ms()),
               .settled = in.settled(),
               .rejected = in.rejected(),
               .max_rejected = in.max_rejected(),
               .max_rejected_min = static_cast<int64_t>(in.max_rejected_min())};
  if (in.has_failure()) {
    out.failure = TaskFailure{ErrorCodeByName(in.failure().error().code()),
                              in.failure().error().message(), in.failure().retry()};
  }
  return out;
}

pb::TransitionRequest ToRequest(const pb::RunFacts& facts, const Decision& decision) {
  pb::TransitionRequest request;
  request.set_run_id(facts.run().id());
  request.set_revision(facts.revision());
  request.set_event(EventOf(decision.event));
  request.set_wait_ms(decision.wait.count());
  if (decision.error.has_value())
    *request.mutable_error() = RunErrorOf(*decision.error, decision.message);
  return request;
}

}  // namespace penstock::planner

#include <memory>

#include "cli/duration_option.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/run_text.h"
#include "cli/selector.h"
#include "cli/verbs.h"
#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/core/uuid.h"

// trigger, retry, watch, cancel, resume.
namespace penstock::cli {
namespace {

using Runs = v1::RunService::StubInterface;

struct RunArguments {
  std::string name;  // of a Sync, or a run's id
  std::string request_id;
  bool wait = false;
  bool allow_removals = false;
  std::string overlap = "queue";
  bool full_resync = false;
  bool retry_rejected = false;
  int64_t limit = 0;
  std::vector<std::string> key;  // column=value
  std::string to;
  std::chrono::milliseconds timeout{0};
};

void PrintRun(const v1::Run& run, Format format) {
  if (format == Format::kName) {
    fmt::print("{}\n", run.id());
  } else if (format == Format::kTable) {
    Print(RunSummary(run));
  } else {
    Print(MessageText(run, format));
  }
}

ExitCode FollowAndPrint(Session& session, const RunArguments& arguments, const std::string& run) {
  const Followed followed = Follow(session, run, arguments.timeout);
  if (followed.run.has_value() && IsTerminal(followed.run->state()))
    PrintRun(*followed.run, session.format);
  return followed.code;
}

ExitCode Trigger(Session& session, const RunArguments& arguments) {
  v1::TriggerRunRequest request;
  request.set_sync(arguments.name);
  request.set_request_id(arguments.request_id);
  request.set_type(v1::RUN_TYPE_SYNC);
  request.set_allow_removals(arguments.allow_removals);
  request.set_overlap(arguments.overlap == "refuse" ? v1::OVERLAP_REFUSE : v1::OVERLAP_QUEUE);
  request.set_full_resync(arguments.full_resync);
  request.set_retry_rejected(arguments.retry_rejected);
  request.set_limit(arguments.limit);
  *request.mutable_key() = MapOf(arguments.key);
  request.set_to(arguments.to);
  const auto triggered = session.Call(session.runs(), &Runs::TriggerRun, request);
  if (!triggered.ok()) return Fail(triggered.status());
  const v1::Run& run = triggered->run();
  if (arguments.wait) return FollowAndPrint(session, arguments, run.id());
  if (session.format == Format::kTable) {
    fmt::print("run {} of {} is {}{}\n", run.id(), run.sync(), StateName(run.state()),
               triggered->coalesced() ? " (it had been asked for before)" : "");
  } else {
    PrintRun(run, session.format);
  }
  return ExitCode::kDone;
}

ExitCode Retry(Session& session, RunArguments arguments) {
  arguments.retry_rejected = true;
  return Trigger(session, arguments);
}

ExitCode Cancel(Session& session, const RunArguments& arguments) {
  v1::CancelRunRequest request;
  request.set_run_id(arguments.name);
  const auto cancelled = session.Call(session.runs(), &Runs::CancelRun, request);
  if (!cancelled.ok()) return Fail(cancelled.status());
  PrintRun(cancelled->run(), session.format);
  return ExitCode::kDone;
}

// A Sync's pause ends, and a run of it that is parked goes on; or only the run that is named.
ExitCode Resume(Session& session, const RunArguments& arguments) {
  const std::string& name = arguments.name;
  const bool is_sync = !Uuid::Parse(name).ok();
  if (is_sync) {
    v1::ResumeSyncRequest request;
    request.set_sync(name);
    const auto resumed =
        session.Call(session.syncs(), &v1::SyncService::StubInterface::ResumeSync, request);
    if (!resumed.ok()) return Fail(resumed.status());
  }
  v1::ResumeRunRequest request;
  request.set_run_id(name);
  const auto resumed = session.Call(session.runs(), &Runs::ResumeRun, request);
  if (resumed.ok()) {
    PrintRun(resumed->run(), session.format);
    return ExitCode::kDone;
  }
  const auto code = CodeOf(resumed.status());
  const bool none_parked =
      code == ErrorCode::kINVALID_RUN_STATE || code == ErrorCode::kRESOURCE_NOT_FOUND;
  if (!is_sync || !none_parked) return Fail(resumed.status());
  fmt::print("Sync {} is not paused, and none of its runs is parked\n", name);
  return ExitCode::kDone;
}

void AddRunName(CLI::App* verb, RunArguments& arguments) {
  verb->add_option("run", arguments.name, "A run's id, or a Sync for its active or newest run")
      ->required();
}

}  // namespace

void AddRunVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<RunArguments>();
  const auto with = [&session = verbs.session, arguments](auto verb) {
    return [&session, arguments, verb] { return verb(session, *arguments); };
  };
  CLI::App* trigger = verbs.AddRemote("trigger", "Start a run of a Sync",
                                      "penstock trigger customers-to-crm --wait", with(Trigger));
  trigger->add_option("sync", arguments->name, "The Sync's name")->required();
  trigger->add_flag("-w,--wait", arguments->wait, "Follow the run to its end; Ctrl-C detaches");
  trigger->add_flag("--allow-removals", arguments->allow_removals,
                    "Let removals beyond the guard pass once");
  trigger
      ->add_option("--overlap", arguments->overlap,
                   "While a run of the Sync is active: queue behind it (default), or refuse")
      ->check(CLI::IsMember({"queue", "refuse"}));
  trigger->add_flag("--full-resync", arguments->full_resync,
                    "Send all rows once more, changed or not");
  trigger->add_option("--limit", arguments->limit, "Send so many records at most; removes nothing")
      ->check(CLI::PositiveNumber);
  AddKey(trigger, arguments->key, "Send only the row of this primary key; removes nothing");
  trigger->add_option("--to", arguments->to,
                      "Send to this Destination instead, as if nothing had been delivered yet");
  trigger->add_option("--request-id", arguments->request_id,
                      "Repeats with one id start one run only");
  AddDuration(trigger, "--timeout", arguments->timeout, "How long to wait; default: to its end");
  CLI::App* retry = verbs.AddRemote("retry", "Try rejected records again, read anew",
                                    "penstock retry customers-to-crm --wait", with(Retry));
  retry->add_option("sync", arguments->name, "The Sync's name")->required();
  retry->add_flag("-w,--wait", arguments->wait, "Follow the run to its end; Ctrl-C detaches");
  AddKey(retry, arguments->key, "Only the row of this primary key");
  AddDuration(retry, "--timeout", arguments->timeout, "How long to wait; default: to its end");

  CLI::App* watch =
      verbs.AddRemote("watch", "Follow a run to its end", "penstock watch customers-to-crm",
                      [&session = verbs.session, arguments] {
                        return FollowAndPrint(session, *arguments, arguments->name);
                      });
  AddRunName(watch, *arguments);
  AddDuration(watch, "--timeout", arguments->timeout, "How long to wait; default: to its end");
  AddRunName(verbs.AddRemote("cancel", "End a run; what it delivered stays",
                             "penstock cancel customers-to-crm", with(Cancel)),
             *arguments);
  AddRunName(verbs.AddRemote("resume", "End a Sync's pause; let a parked run go on now",
                             "penstock resume customers-to-crm", with(Resume)),
             *arguments);
}

}  // namespace penstock::cli

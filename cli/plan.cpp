#include <memory>

#include "cli/duration_option.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/run_text.h"
#include "cli/verbs.h"
#include "fmt/format.h"

// plan: what a run would do, with the exact requests.
namespace penstock::cli {
namespace {

using Runs = v1::RunService::StubInterface;

struct PlanArguments {
  std::string sync;
  std::chrono::milliseconds timeout{0};
  bool detailed_exit_code = false;
};

std::string Indent(std::string_view text, std::string_view with) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += fmt::format("{}{}\n", with, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool IsJson(std::string_view body) {
  return body.starts_with('{') || body.starts_with('[');
}

std::string RequestText(const v1::PlannedRequest& request) {
  std::string keys;
  for (const std::string& key : request.primary_keys()) keys += (keys.empty() ? "" : ", ") + key;
  std::string out = fmt::format("    {} {}\n", request.method(), request.url());
  if (!keys.empty()) out += fmt::format("    rows {}\n", keys);
  const std::string& body = request.body();
  return out + Indent(IsJson(body) ? PrettyJson(body) : body, "      ");
}

std::string PlanText(const v1::Plan& plan) {
  std::string out =
      fmt::format("Plan of {}\n  {}\n", plan.run().sync(), RowsText(plan.run().rows()));
  for (const v1::PlannedOperation& operation : plan.operations()) {
    out += fmt::format("  {}: {} record{}\n", operation.operation(), Thousands(operation.records()),
                       operation.records() == 1 ? "" : "s");
  }
  for (const v1::PlannedOperation& operation : plan.operations()) {
    if (operation.samples().empty()) continue;
    out += fmt::format("\n  {}, for example:\n", operation.operation());
    for (const v1::PlannedRequest& request : operation.samples()) out += RequestText(request);
  }
  for (const v1::RunError& notice : plan.run().notices())
    out += fmt::format("  notice: {}\n", notice.message());
  return out;
}

bool HasChanges(const v1::Plan& plan) {
  for (const v1::PlannedOperation& operation : plan.operations()) {
    if (operation.records() > 0) return true;
  }
  return false;
}

ExitCode Plan(Session& session, const PlanArguments& arguments) {
  v1::TriggerRunRequest trigger;
  trigger.set_sync(arguments.sync);
  trigger.set_type(v1::RUN_TYPE_PLAN);
  const auto triggered = session.Call(session.runs(), &Runs::TriggerRun, trigger);
  if (!triggered.ok()) return Fail(triggered.status());
  const Followed followed = Follow(session, triggered->run().id(), arguments.timeout);
  if (!followed.run.has_value() || !IsTerminal(followed.run->state())) return followed.code;
  if (followed.run->state() == v1::RUN_STATE_FAILED ||
      followed.run->state() == v1::RUN_STATE_CANCELLED) {
    fmt::print(stderr, "{}", RunSummary(*followed.run));
    return ExitCode::kFailed;
  }
  v1::GetPlanRequest request;
  request.set_run_id(followed.run->id());
  const auto got = session.Call(session.runs(), &Runs::GetPlan, request);
  if (!got.ok()) return Fail(got.status());
  const bool as_message = session.format == Format::kJson || session.format == Format::kYaml;
  Print(as_message ? MessageText(got->plan(), session.format) : PlanText(got->plan()));
  return arguments.detailed_exit_code && HasChanges(got->plan()) ? ExitCode::kChanges
                                                                 : ExitCode::kDone;
}

}  // namespace

void AddPlanVerb(Verbs& verbs) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* plan = verbs.AddRemote(
      "plan", "Show what a run would send, and send nothing", "penstock plan customers-to-crm",
      [&session = verbs.session, arguments] { return Plan(session, *arguments); });
  plan->add_option("sync", arguments->sync, "The Sync's name")->required();
  plan->add_flag("--detailed-exitcode", arguments->detailed_exit_code,
                 "Exit with 5 when there is something to send");
  AddDuration(plan, "--timeout", arguments->timeout, "How long to wait; default: to its end");
}

}  // namespace penstock::cli

#include <memory>
#include <optional>
#include <utility>

#include "cli/duration_option.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/run_text.h"
#include "cli/selector.h"
#include "cli/verbs.h"
#include "cli/violations.h"
#include "fmt/format.h"
#include "services/common/config/resource_reader.h"
#include "services/common/convert/resources.h"

// plan and explain: what a run would do, with the exact requests, and why with a row.
namespace penstock::cli {
namespace {

using Runs = v1::RunService::StubInterface;

struct PlanArguments {
  std::string sync;
  std::vector<std::string> paths;
  int64_t limit = 0;
  std::vector<std::string> key;  // column=value
  std::string to;
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

v1::TriggerRunRequest RequestOf(const PlanArguments& arguments, const DeclaredResources& declared) {
  v1::TriggerRunRequest request;
  request.set_sync(arguments.sync);
  request.set_type(v1::RUN_TYPE_PLAN);
  request.set_limit(arguments.limit);
  *request.mutable_key() = MapOf(arguments.key);
  request.set_to(arguments.to);
  for (const Resource& resource : declared.resources) *request.add_resources() = ToProto(resource);
  return request;
}

// A plan that has been made, or why there is none: that has been printed.
struct Made {
  ExitCode code = ExitCode::kFailed;
  std::optional<v1::Plan> plan;
};

Made Make(Session& session, const PlanArguments& arguments) {
  const DeclaredResources declared = ReadResourceFiles(arguments.paths);
  if (!declared.errors.empty()) return {FailFiles(declared.errors)};
  const auto triggered =
      session.Call(session.runs(), &Runs::TriggerRun, RequestOf(arguments, declared));
  if (!triggered.ok()) return {FailDeclared(triggered.status(), declared.places)};
  const Followed followed = Follow(session, triggered->run().id(), arguments.timeout);
  if (!followed.run.has_value() || !IsTerminal(followed.run->state())) return {followed.code};
  if (followed.run->state() == v1::RUN_STATE_FAILED ||
      followed.run->state() == v1::RUN_STATE_CANCELLED) {
    fmt::print(stderr, "{}", RunSummary(*followed.run));
    return {ExitCode::kFailed};
  }
  v1::GetPlanRequest request;
  request.set_run_id(followed.run->id());
  auto got = session.Call(session.runs(), &Runs::GetPlan, request);
  if (!got.ok()) return {Fail(got.status())};
  return {ExitCode::kDone, std::move(*got->mutable_plan())};
}

ExitCode Plan(Session& session, const PlanArguments& arguments) {
  const Made made = Make(session, arguments);
  if (!made.plan.has_value()) return made.code;
  const bool as_message = session.format == Format::kJson || session.format == Format::kYaml;
  Print(as_message ? MessageText(*made.plan, session.format) : PlanText(*made.plan));
  return arguments.detailed_exit_code && HasChanges(*made.plan) ? ExitCode::kChanges
                                                                : ExitCode::kDone;
}

// When the Sync starts by itself the next time; empty: never.
absl::StatusOr<std::string> NextRun(Session& session, const std::string& sync) {
  v1::GetResourceRequest request;
  request.set_kind("Sync");
  request.set_name(sync);
  const auto got =
      session.Call(session.resources(), &v1::ResourceService::StubInterface::GetResource, request);
  if (!got.ok()) return got.status();
  return TimeText(got->resource().due().next());
}

std::string VerdictText(const v1::Explanation& explanation) {
  switch (explanation.verdict()) {
    case v1::VERDICT_NOT_IN_MODEL:
      return "the model has no such row";
    case v1::VERDICT_UNCHANGED:
      return "the destination holds it as it is; nothing would be sent";
    case v1::VERDICT_SENT:
      return explanation.delivered() ? "it has changed and would be sent"
                                     : "it is new and would be sent";
    case v1::VERDICT_DEFERRED:
      return "it was rejected and waits; `penstock retry` tries it at once";
    case v1::VERDICT_INVALID:
      return "it can't be sent: " + explanation.problem().message() + " (" +
             explanation.problem().code() + ")";
    case v1::VERDICT_SKIPPED:
      return "the mode or the mapping leaves it out";
    default:
      return "unknown to this version of penstock";
  }
}

std::string DeliveredText(const v1::Explanation& explanation) {
  if (!explanation.delivered()) return "no";
  std::string text = explanation.delivered_by().empty()
                         ? "before " + TimeText(explanation.delivered_before())
                         : fmt::format("{}, by run {}", TimeText(explanation.delivered_before()),
                                       explanation.delivered_by());
  if (explanation.in_doubt()) text += "; in doubt: sent, and no answer came";
  if (explanation.by_other_mapping()) text += "; by another mapping";
  return text;
}

std::string ExplanationText(const v1::Plan& plan, const std::string& next_run) {
  const v1::Explanation& explanation = plan.explanation();
  std::string out = fmt::format("{} {}\n  {}\n", plan.run().sync(), explanation.primary_key(),
                                VerdictText(explanation));
  if (explanation.verdict() == v1::VERDICT_NOT_IN_MODEL) return out;
  out += fmt::format("  delivered: {}\n", DeliveredText(explanation));
  if (explanation.has_rejection()) {
    out += fmt::format("  rejected: {} (run {}): {} ({}, {} must act)\n",
                       TimeText(explanation.rejection().time()), explanation.rejection().run_id(),
                       explanation.rejection().message(), explanation.rejection().code(),
                       explanation.rejection().owner());
  }
  if (explanation.has_next_try())
    out += fmt::format("  next try: {}, after {} so far\n", TimeText(explanation.next_try()),
                       explanation.tries());
  out += fmt::format("  next run: {}\n", next_run.empty() ? "when it is triggered" : next_run);
  for (const v1::PlannedOperation& operation : plan.operations()) {
    for (const v1::PlannedRequest& request : operation.samples())
      out += fmt::format("  {}:\n", operation.operation()) + RequestText(request);
  }
  return out;
}

ExitCode Explain(Session& session, const PlanArguments& arguments) {
  const Made made = Make(session, arguments);
  if (!made.plan.has_value()) return made.code;
  if (session.format == Format::kJson || session.format == Format::kYaml) {
    Print(MessageText(*made.plan, session.format));
    return ExitCode::kDone;
  }
  const absl::StatusOr<std::string> next_run = NextRun(session, arguments.sync);
  if (!next_run.ok()) return Fail(next_run.status());
  Print(ExplanationText(*made.plan, *next_run));
  return ExitCode::kDone;
}

void AddSync(CLI::App* verb, PlanArguments& arguments) {
  verb->add_option("sync", arguments.sync, "The Sync's name")->required();
  AddDuration(verb, "--timeout", arguments.timeout, "How long to wait; default: to its end");
}

}  // namespace

void AddPlanVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* plan = verbs.AddRemote(
      "plan", "Show what a run would send, and send nothing", "penstock plan customers-to-crm",
      [&session = verbs.session, arguments] { return Plan(session, *arguments); });
  AddSync(plan, *arguments);
  plan->add_option("-f,--file", arguments->paths,
                   "Files or folders of YAML to plan with before they are applied")
      ->type_name("PATH")
      ->allow_extra_args(false);
  plan->add_option("--limit", arguments->limit, "How many records to show; default: 10")
      ->check(CLI::Range(1, 1000));
  AddKey(plan, arguments->key, "Only the row of this primary key");
  plan->add_option("--to", arguments->to, "As if this Destination got the records");
  plan->add_flag("--detailed-exitcode", arguments->detailed_exit_code,
                 "Exit with 5 when there is something to send");
  CLI::App* explain = verbs.AddRemote(
      "explain", "Say why a row is, or is not, at the destination",
      "penstock explain customers-to-crm --key id=42",
      [&session = verbs.session, arguments] { return Explain(session, *arguments); });
  AddSync(explain, *arguments);
  AddKey(explain, arguments->key, "The row's primary key")->required();
}

}  // namespace penstock::cli

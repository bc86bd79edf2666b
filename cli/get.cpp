#include <memory>

#include "cli/kinds.h"
#include "cli/output.h"
#include "cli/resource_list.h"
#include "cli/run_text.h"
#include "cli/verbs.h"
#include "fmt/format.h"
#include "services/common/core/units.h"

// get and describe: what is declared.
namespace penstock::cli {
namespace {

constexpr int kRecentRuns = 5;

struct GetArguments {
  std::string kind;
  std::string name;
  std::vector<std::string> labels;  // label=value
  bool defaults = false;
};

Defaults DefaultsOf(const GetArguments& arguments) {
  return arguments.defaults ? Defaults::kShown : Defaults::kLeftOut;
}

std::string LastRun(Session& session, const std::string& sync) {
  v1::GetRunRequest request;
  request.set_run_id(sync);
  const auto found = session.Call(session.runs(), &v1::RunService::StubInterface::GetRun, request);
  return found.ok() ? std::string(StateName(found->run().state())) : "never";
}

std::vector<std::string> Head(std::string_view kind) {
  if (kind == "Source") return {"NAME", "CONNECTOR", "SCHEMA"};
  if (kind == "Model") return {"NAME", "SOURCE", "ROWS FROM", "PRIMARY KEY"};
  if (kind == "Destination") return {"NAME", "CONNECTOR", "ACCOUNT"};
  if (kind == "Connector") return {"NAME", "OBJECTS", "DESCRIPTION"};
  return {"NAME", "MODEL", "DESTINATION", "OBJECT", "MODE", "SCHEDULE", "NEXT DUE", "LAST RUN"};
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

std::string ScheduleText(const Schedule& schedule) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "manual"; }
    std::string operator()(const CronSchedule& s) const {
      return s.timezone == CronSchedule().timezone ? s.cron : s.cron + " " + s.timezone;
    }
    std::string operator()(const EverySchedule& s) const {
      return "every " + FormatDuration(s.every);
    }
    std::string operator()(const AfterSchedule& s) const { return "after " + Join(s.syncs); }
  };
  return std::visit(Visitor{}, schedule);
}

std::string NextDueText(const v1::DueTimes& due) {
  if (due.waits_for().empty()) return TimeText(due.next());
  return "waits for " + Join({due.waits_for().begin(), due.waits_for().end()});
}

std::string DueText(const v1::DueTimes& due) {
  std::string text;
  if (due.has_last()) text += "\nLast due: " + TimeText(due.last());
  if (const std::string next = NextDueText(due); !next.empty()) text += "\nNext due: " + next;
  return text.empty() ? text : text + "\n";
}

struct RowOf {
  Session& session;
  const v1::DueTimes& due;
  std::vector<std::string> operator()(const Source& r) const {
    return {r.meta.name, r.connector, r.schema};
  }
  std::vector<std::string> operator()(const Model& r) const {
    return {r.meta.name, r.source, r.table.empty() ? "sql" : r.table, Join(r.primary_key)};
  }
  std::vector<std::string> operator()(const Destination& r) const {
    return {r.meta.name, r.connector, r.Account()};
  }
  std::vector<std::string> operator()(const Connector& r) const {
    std::vector<std::string> objects;
    for (const auto& [name, object] : r.objects) objects.push_back(name);
    return {r.meta.name, Join(objects), r.meta.description};
  }
  std::vector<std::string> operator()(const Sync& r) const {
    return {r.meta.name,
            r.model,
            r.destination,
            r.object,
            std::string(Name(r.mode)),
            ScheduleText(r.schedule),
            NextDueText(due),
            LastRun(session, r.meta.name)};
  }
};

ExitCode PrintAll(Session& session, const std::string& kind, const std::vector<Listed>& resources) {
  if (session.format == Format::kName) {
    for (const Listed& one : resources) fmt::print("{}/{}\n", kind, MetadataOf(one.resource).name);
  } else if (resources.empty()) {
    fmt::print(stderr, "penstock: there is no {} yet; penstock apply -f PATH makes some\n", kind);
  } else {
    TableRows rows = {Head(kind)};
    for (const Listed& one : resources)
      rows.push_back(std::visit(RowOf{session, one.due}, one.resource));
    PrintTable(rows);
  }
  return ExitCode::kDone;
}

ExitCode GetOne(Session& session, const std::string& kind, const GetArguments& arguments) {
  auto found = GetResource(session, kind, arguments.name);
  if (!found.ok()) return Fail(found.status());
  if (session.format == Format::kTable || session.format == Format::kName)
    return PrintAll(session, kind, {*std::move(found)});
  PrintDocument(found->resource, session.format, DefaultsOf(arguments));
  return ExitCode::kDone;
}

ExitCode Get(Session& session, const GetArguments& arguments) {
  const absl::StatusOr<std::string> kind = KindByName(arguments.kind);
  if (!kind.ok()) return Fail(kind.status());
  if (!arguments.name.empty()) return GetOne(session, *kind, arguments);
  const auto listed = ListResources(session, *kind, MapOf(arguments.labels));
  if (!listed.ok()) return Fail(listed.status());
  if (session.format == Format::kTable || session.format == Format::kName)
    return PrintAll(session, *kind, *listed);
  std::vector<Resource> resources;
  for (const Listed& one : *listed) resources.push_back(one.resource);
  PrintDocuments(resources, session.format, DefaultsOf(arguments));
  return ExitCode::kDone;
}

// How a Sync stands, a line each.
std::string StatusText(const v1::SyncStatus& status) {
  std::string out = fmt::format("Delivered rows: {}\n", Thousands(status.delivered_rows()));
  if (status.deleting()) return out + "Being deleted: its last run removes what it has sent\n";
  if (status.paused()) out += fmt::format("Paused: `penstock resume {}`\n", status.sync());
  if (status.baseline()) out += "Baseline: the next run takes the rows of the model as delivered\n";
  return out;
}

ExitCode Describe(Session& session, const GetArguments& arguments) {
  const absl::StatusOr<std::string> kind = KindByName(arguments.kind);
  if (!kind.ok()) return Fail(kind.status());
  const auto found = GetResource(session, *kind, arguments.name);
  if (!found.ok()) return Fail(found.status());
  PrintDocument(found->resource, session.format == Format::kJson ? Format::kJson : Format::kYaml);
  if (*kind != "Sync" || session.format == Format::kJson) return ExitCode::kDone;
  v1::GetSyncStatusRequest get_status;
  get_status.set_sync(arguments.name);
  const auto status =
      session.Call(session.syncs(), &v1::SyncService::StubInterface::GetSyncStatus, get_status);
  if (!status.ok()) return Fail(status.status());
  Print("\n" + StatusText(status->status()));
  v1::ListRunsRequest request;
  request.set_sync(arguments.name);
  request.set_page_size(kRecentRuns);
  const auto runs = session.Call(session.runs(), &v1::RunService::StubInterface::ListRuns, request);
  if (!runs.ok()) return Fail(runs.status());
  Print(DueText(found->due));
  Print("\nRecent runs\n");
  PrintTable(RunRows({runs->runs().begin(), runs->runs().end()}));
  return ExitCode::kDone;
}

}  // namespace

void AddResourceVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<GetArguments>();
  CLI::App* get =
      verbs.AddRemote("get", "List resources, or show one", "penstock get syncs",
                      [&session = verbs.session, arguments] { return Get(session, *arguments); });
  get->add_option("kind", arguments->kind, "Their kind")
      ->required()
      ->type_name(std::string(kKindChoices));
  CLI::Option* name = get->add_option("name", arguments->name, "Only this one");
  AddSelector(get, arguments->labels, "Only those with this label; may be repeated")
      ->excludes(name);
  get->add_flag("--defaults", arguments->defaults,
                "With -o yaml or json: also fields that have their default");
  CLI::App* describe = verbs.AddRemote(
      "describe", "Show a resource and what became of it",
      "penstock describe sync customers-to-crm",
      [&session = verbs.session, arguments] { return Describe(session, *arguments); });
  describe->add_option("kind", arguments->kind, "Their kind")
      ->required()
      ->type_name(std::string(kKindChoices));
  describe->add_option("name", arguments->name, "Its name")->required();
}

}  // namespace penstock::cli

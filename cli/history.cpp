#include <memory>

#include "cli/output.h"
#include "cli/run_text.h"
#include "cli/verbs.h"
#include "fmt/format.h"

// runs and records: what happened.
namespace penstock::cli {
namespace {

using Runs = v1::RunService::StubInterface;

struct HistoryArguments {
  std::string sync;
  std::string run;
  int limit = 20;
};

template <typename Response>
bool PrintAsMessage(const Response& response, Format format) {
  if (format != Format::kJson && format != Format::kYaml) return false;
  Print(MessageText(response, format));
  return true;
}

ExitCode ListRuns(Session& session, const HistoryArguments& arguments) {
  v1::ListRunsRequest request;
  request.set_sync(arguments.sync);
  request.set_page_size(arguments.limit);
  const auto listed = session.Call(session.runs(), &Runs::ListRuns, request);
  if (!listed.ok()) return Fail(listed.status());
  if (PrintAsMessage(*listed, session.format)) return ExitCode::kDone;
  if (session.format == Format::kName) {
    for (const v1::Run& run : listed->runs()) fmt::print("{}\n", run.id());
  } else {
    PrintTable(RunRows({listed->runs().begin(), listed->runs().end()}));
  }
  return ExitCode::kDone;
}

ExitCode ListRecords(Session& session, const HistoryArguments& arguments) {
  v1::ListRejectedRecordsRequest request;
  request.set_sync(arguments.sync);
  request.set_run_id(arguments.run);
  request.set_page_size(arguments.limit);
  const auto listed = session.Call(session.runs(), &Runs::ListRejectedRecords, request);
  if (!listed.ok()) return Fail(listed.status());
  if (PrintAsMessage(*listed, session.format)) return ExitCode::kDone;
  if (listed->records().empty()) {
    fmt::print(stderr, "no rejected records\n");
    return ExitCode::kDone;
  }
  TableRows rows = {{"TIME", "SYNC", "ROW", "OPERATION", "CODE", "WHO MUST ACT", "MESSAGE"}};
  for (const v1::RejectedRecord& record : listed->records()) {
    if (session.format == Format::kName) {
      fmt::print("{}\n", record.primary_key());
      continue;
    }
    rows.push_back({TimeText(record.time()), record.sync(), record.primary_key(),
                    record.operation(), record.code(), record.owner(), record.message()});
  }
  if (session.format == Format::kTable) PrintTable(rows);
  return ExitCode::kDone;
}

void AddCommon(CLI::App* verb, HistoryArguments& arguments) {
  verb->add_option("sync", arguments.sync, "Only this Sync's");
  verb->add_option("--limit", arguments.limit, "At most this many, the newest first")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace

void AddHistoryVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<HistoryArguments>();
  AddCommon(verbs.AddRemote(
                "runs", "List runs, the newest first", "penstock runs customers-to-crm",
                [&session = verbs.session, arguments] { return ListRuns(session, *arguments); }),
            *arguments);
  CLI::App* records = verbs.AddRemote(
      "records", "List records that were rejected and rows that can't be sent",
      "penstock records customers-to-crm",
      [&session = verbs.session, arguments] { return ListRecords(session, *arguments); });
  AddCommon(records, *arguments);
  records->add_option("--run", arguments->run, "Only this run's");
}

}  // namespace penstock::cli

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "fmt/format.h"
#include "services/common/core/units.h"

// status and restored.
namespace penstock::cli {
namespace {

using Cluster = v1::ClusterService::StubInterface;
using google::protobuf::util::TimeUtil;

// Every row of every Sync's delivered rows is rewritten.
constexpr std::chrono::hours kRestoreTimeout{1};
// As state's own warning has it.
constexpr double kApartSeconds = 5;

std::string Ago(const google::protobuf::Timestamp& time) {
  const int64_t seconds = std::max<int64_t>(
      0, TimeUtil::TimestampToSeconds(TimeUtil::GetCurrentTime()) - time.seconds());
  return FormatDuration(std::chrono::seconds(seconds));
}

std::string_view KindText(v1::ConcernKind kind) {
  switch (kind) {
    case v1::CONCERN_KIND_LATE:
      return "late";
    case v1::CONCERN_KIND_PARKED:
      return "parked";
    case v1::CONCERN_KIND_FAILED:
      return "failed";
    case v1::CONCERN_KIND_STUCK:
      return "stuck";
    default:
      return "?";
  }
}

std::string WhyOf(const v1::Concern& concern) {
  if (concern.has_error())
    return fmt::format("{}: {}", concern.error().code(), concern.error().message());
  switch (concern.kind()) {
    case v1::CONCERN_KIND_LATE:
      return "its due time has passed and no run has started: are planner and state ready?";
    case v1::CONCERN_KIND_STUCK:
      return "its run has not moved: see the extractors and loaders";
    default:
      return "records were rejected or are in doubt: penstock records " + concern.sync();
  }
}

void PrintInstances(const v1::GetClusterStatusResponse& status) {
  TableRows rows = {{"SERVICE", "HOST", "VERSION", "UP", "READY"}};
  for (const v1::Instance& one : status.instances()) {
    std::string ready = "yes";
    if (one.not_ready_size() > 0) ready = "no: " + one.not_ready(0);
    if (std::abs(one.clock_offset_seconds()) > kApartSeconds)
      ready += fmt::format(" (clock {:+.0f} s)", one.clock_offset_seconds());
    rows.push_back({one.service(), one.host(), one.version(), Ago(one.start_time()), ready});
  }
  PrintTable(rows);
  for (const char* needed : {"extractor", "loader"}) {
    const bool there =
        std::any_of(status.instances().begin(), status.instances().end(),
                    [&](const v1::Instance& one) { return one.service() == needed; });
    if (!there) fmt::print("no {} runs\n", needed);
  }
}

// To the megabyte: nobody compares bytes here.
std::string Roughly(int64_t bytes) {
  constexpr int64_t kMegabyte = 1'000'000;
  return FormatByteSize((bytes + kMegabyte / 2) / kMegabyte * kMegabyte);
}

void PrintBacklog(const v1::GetClusterStatusResponse& status) {
  fmt::print("\n{} syncs, {} paused; {} runs active or waiting\n", status.syncs(),
             status.paused_syncs(), status.active_runs());
  if (!status.has_backlog()) {
    fmt::print("backlog unknown: Redis does not answer the planner\n");
    return;
  }
  const v1::Backlog& backlog = status.backlog();
  fmt::print("backlog: {} tasks", backlog.task_tickets());
  const std::map<std::string, int64_t> batches(backlog.batches().begin(), backlog.batches().end());
  for (const auto& [destination, count] : batches) {
    if (count > 0) fmt::print(", {} batches for {}", count, Visible(destination));
  }
  fmt::print("; Redis uses {}", Roughly(backlog.memory_used_bytes()));
  if (backlog.memory_limit_bytes() > 0) fmt::print(" of {}", Roughly(backlog.memory_limit_bytes()));
  fmt::print("\n");
}

void PrintConcerns(const v1::GetClusterStatusResponse& status) {
  if (status.concerns().empty()) {
    fmt::print("no sync is late, parked, stuck or failed\n");
    return;
  }
  fmt::print("\n");
  TableRows rows = {{"SYNC", "IS", "FOR", "WHO MUST ACT", "WHY"}};
  for (const v1::Concern& one : status.concerns()) {
    rows.push_back({one.sync(), std::string(KindText(one.kind())), Ago(one.since_time()),
                    one.error().owner(), WhyOf(one)});
  }
  PrintTable(rows);
  if (status.concerned_syncs() > status.concerns_size())
    fmt::print("and {} more\n", status.concerned_syncs() - status.concerns_size());
}

ExitCode Status(Session& session) {
  const auto status =
      session.Call(session.cluster(), &Cluster::GetClusterStatus, v1::GetClusterStatusRequest());
  if (!status.ok()) return Fail(status.status());
  if (session.format == Format::kName) {
    for (const v1::Concern& one : status->concerns()) fmt::print("Sync/{}\n", one.sync());
  } else if (session.format != Format::kTable) {
    Print(MessageText(*status, session.format));
  } else {
    PrintInstances(*status);
    PrintBacklog(*status);
    PrintConcerns(*status);
  }
  return ExitCode::kDone;
}

ExitCode Restored(Session& session, bool yes) {
  v1::DeclareRestoredRequest request;
  const auto call = [&] {
    return session.Call(session.cluster(), &Cluster::DeclareRestored, request, kRestoreTimeout);
  };
  if (!yes) {
    request.set_validate_only(true);
    const auto checked = call();
    if (!checked.ok()) return Fail(checked.status());
    fmt::print(
        "ends {} runs, and puts {} delivered rows in doubt: the next run of each of {} syncs sends "
        "every row once more\n",
        checked->runs(), Thousands(checked->records()), checked->syncs());
    if (const auto stop = Confirm()) return *stop;
    request.set_validate_only(false);
  }
  const auto declared = call();
  if (!declared.ok()) return Fail(declared.status());
  if (session.format == Format::kJson || session.format == Format::kYaml) {
    Print(MessageText(*declared, session.format));
  } else {
    fmt::print("{} runs were ended; {} syncs will send every row once more\n", declared->runs(),
               declared->syncs());
  }
  return ExitCode::kDone;
}

}  // namespace

void AddClusterVerbs(Verbs& verbs) {
  verbs.AddRemote("status", "Show the cluster: its processes, its backlog, and who must act",
                  "penstock status", [&session = verbs.session] { return Status(session); });
  auto yes = std::make_shared<bool>(false);
  verbs
      .AddRemote("restored",
                 "Tell the cluster that its database was restored from a backup: all rows are sent "
                 "once more",
                 "penstock restored --yes",
                 [&session = verbs.session, yes] { return Restored(session, *yes); })
      ->add_flag("-y,--yes", *yes, "Do it without asking");
}

}  // namespace penstock::cli

#include "cli/run_text.h"

#include <chrono>
#include <ctime>
#include <utility>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "fmt/chrono.h"
#include "fmt/format.h"
#include "services/common/core/units.h"

namespace penstock::cli {
namespace {

std::string JoinCounts(std::initializer_list<std::pair<int64_t, const char*>> counts) {
  std::string out;
  for (const auto& [number, name] : counts) {
    if (number == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", Thousands(number), name);
  }
  return out.empty() ? "none" : out;
}

std::string Line(std::string_view head, const v1::RunError& error) {
  return fmt::format("  {}: {} ({}, {} must act)\n", head, Visible(error.message()), error.code(),
                     error.owner());
}

int64_t Delivered(const v1::Run& run) {
  int64_t sum = 0;
  for (const v1::OperationCounts& counts : run.operations()) sum += counts.delivered();
  return sum;
}

// When it started, or was to start.
std::string StartText(const v1::Run& run) {
  if (run.has_start_time() || !run.has_schedule_time()) return TimeText(run.start_time());
  return "due " + TimeText(run.schedule_time());
}

// What a run was limited to; empty: it is a whole one.
std::string PartText(const v1::Run& run) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (run.limit() > 0) add(fmt::format("at most {} records", Thousands(run.limit())));
  for (const auto& [column, value] : run.key()) add(fmt::format("{} = {}", column, value));
  if (!run.to().empty()) add("to " + run.to());
  return text;
}

// Nothing but its reason tells of a run that was skipped.
std::string WhyText(const v1::Run& run) {
  if (run.state() != v1::RUN_STATE_SKIPPED) return run.error().code();
  return run.error().code() + ": " + run.error().message();
}

}  // namespace

std::string_view StateName(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_QUEUED:
      return "QUEUED";
    case v1::RUN_STATE_RUNNING:
      return "RUNNING";
    case v1::RUN_STATE_PARKED:
      return "PARKED";
    case v1::RUN_STATE_CANCELLING:
      return "CANCELLING";
    case v1::RUN_STATE_SUCCEEDED:
      return "SUCCEEDED";
    case v1::RUN_STATE_PARTIAL:
      return "PARTIAL";
    case v1::RUN_STATE_FAILED:
      return "FAILED";
    case v1::RUN_STATE_CANCELLED:
      return "CANCELLED";
    case v1::RUN_STATE_SKIPPED:
      return "SKIPPED";
    default:
      return "UNKNOWN";
  }
}

std::string_view PhaseName(v1::RunPhase phase) {
  switch (phase) {
    case v1::RUN_PHASE_READING:
      return "reading";
    case v1::RUN_PHASE_DELIVERING:
      return "delivering";
    case v1::RUN_PHASE_REMOVING:
      return "removing";
    case v1::RUN_PHASE_FINALIZING:
      return "finishing";
    case v1::RUN_PHASE_PARKING:
      return "parking";
    default:
      return "";
  }
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  const std::time_t seconds = time.seconds();
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(seconds));
}

std::string RunLength(const v1::Run& run) {
  if (!run.has_start_time()) return "";
  using std::chrono::milliseconds;
  const auto at = [](const google::protobuf::Timestamp& time) {
    return milliseconds(time.seconds() * 1000 + time.nanos() / 1'000'000);
  };
  const milliseconds end = run.has_end_time()
                               ? at(run.end_time())
                               : std::chrono::duration_cast<milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch());
  const milliseconds length = std::max(milliseconds(0), end - at(run.start_time()));
  if (length < std::chrono::minutes(1))
    return fmt::format("{:.1f}s", static_cast<double>(length.count()) / 1000);
  return FormatDuration(std::chrono::floor<std::chrono::seconds>(length));
}

TableRows RunRows(const std::vector<v1::Run>& runs) {
  TableRows rows = {
      {"RUN", "SYNC", "STATE", "TRIGGER", "STARTED", "TOOK", "ROWS", "DELIVERED", "WHY"}};
  for (const v1::Run& run : runs) {
    std::string state(StateName(run.state()));
    if (run.type() == v1::RUN_TYPE_PLAN) {
      state += " (plan)";
    } else if (!PartText(run).empty()) {
      state += " (part)";
    }
    rows.push_back({run.id(), run.sync(), state, run.trigger(), StartText(run), RunLength(run),
                    Thousands(run.rows().rows_read()), Thousands(Delivered(run)), WhyText(run)});
  }
  return rows;
}

std::string RowsText(const v1::ReadCounts& rows) {
  std::string text = fmt::format("{} rows read: ", Thousands(rows.rows_read()));
  text += JoinCounts({{rows.unchanged(), "unchanged"},
                      {rows.changed(), "changed"},
                      {rows.deferred(), "deferred"},
                      {rows.invalid(), "invalid"},
                      {rows.skipped(), "skipped"},
                      {rows.copies(), "copies"}});
  return text;
}

std::string OperationText(const v1::OperationCounts& counts) {
  if (counts.operation() == "forget")
    return fmt::format("{} rows left the model and are forgotten", Thousands(counts.changed()));
  return fmt::format("{} {}: ", counts.operation(), Thousands(counts.changed())) +
         JoinCounts({{counts.delivered(), "delivered"},
                     {counts.unchanged_at_destination(), "unchanged at the destination"},
                     {counts.skipped_at_destination(), "skipped at the destination"},
                     {counts.rejected(), "rejected"},
                     {counts.in_doubt(), "in doubt"},
                     {counts.withdrawn(), "withdrawn"},
                     {counts.pending(), "pending"}});
}

std::string RunSummary(const v1::Run& run) {
  std::string out = fmt::format("{} {}", StateName(run.state()), run.sync());
  if (IsTerminal(run.state()) && run.has_start_time()) out += " in " + RunLength(run);
  out += fmt::format(" (run {})\n", run.id());
  if (const std::string part = PartText(run); !part.empty()) out += "  only " + part + "\n";
  if (run.has_rows()) out += "  " + RowsText(run.rows()) + "\n";
  for (const v1::OperationCounts& counts : run.operations()) {
    if (counts.changed() > 0) out += "  " + OperationText(counts) + "\n";
  }
  if (run.has_error()) out += Line("error", run.error());
  for (const v1::RunError& notice : run.notices()) out += Line("notice", notice);
  return out;
}

}  // namespace penstock::cli

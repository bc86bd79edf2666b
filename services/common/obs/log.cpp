#include "services/common/obs/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "fmt/format.h"
#include "services/common/core/clock.h"
#include "services/common/core/status.h"
#include "services/common/obs/log_line.h"

namespace penstock {
namespace {

struct LogState {
  std::atomic<LogLevel> level = LogLevel::kInfo;
  std::array<std::atomic<uint64_t>, 4> lines{};  // by level
  std::atomic<bool> data = false;
  std::mutex mutex;  // guards what follows
  std::string service = "penstock";
  std::function<void(std::string_view)> sink;
  // Outlives main: threads may still log while statics are destroyed.
  std::shared_ptr<spdlog::logger> logger;

  LogState() {
    logger = std::make_shared<spdlog::logger>("penstock",
                                              std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
  }
};

LogState& State() {
  static auto* state = new LogState;
  return *state;
}

void Write(LogLevel level, std::string_view event, std::string_view message,
           std::span<const LogField> fields) {
  if (!LogEnabled(level)) return;
  LogState& state = State();
  ++state.lines[static_cast<size_t>(level)];
  WallTime now = Clock::System().Wall();
  std::lock_guard lock(state.mutex);
  std::string line = FormatLogLine(now, level, state.service, event, message, fields);
  if (state.sink) {
    state.sink(line);
  } else {
    state.logger->info(spdlog::string_view_t(line.data(), line.size()));
  }
}

// Errors whose text may hold what a warehouse or a destination said of a record.
bool MayQuoteRecord(ErrorCode code) {
  const std::string_view name = Name(code);
  for (const std::string_view prefix : {"SOURCE_QUERY", "DESTINATION_", "IDENTITY_", "CAST_",
                                        "VALUE_", "RECORD_", "RETRIES_", "GAVE_UP", "POISON_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

void WriteStatus(LogLevel level, std::string_view event, std::string_view message,
                 const absl::Status& status, LogFields fields) {
  if (!LogEnabled(level)) return;
  ErrorCode code = CodeOf(status).value_or(ErrorCode::kINTERNAL);
  std::vector<LogField> all(fields);
  all.emplace_back("error_code", Name(code));
  all.emplace_back("owner", Name(OwnerOf(code)));
  if (MayQuoteRecord(code) && !State().data) {
    Write(level, event, message, all);
  } else {
    Write(level, event, fmt::format("{}: {}", message, Std(status.message())), all);
  }
}

std::span<const LogField> Span(LogFields fields) {
  return {fields.begin(), fields.size()};
}

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error", "off"};

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<LogLevel>(i);
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("\"{}\" is no log level; use debug, info, warning, error or off", name));
}

std::string_view Name(LogLevel level) {
  return kNames[static_cast<size_t>(level)];
}

void StartLog(std::string_view service, LogLevel level) {
  LogState& state = State();
  std::lock_guard lock(state.mutex);
  state.service = service;
  state.level = level;
}

void SetLogLevel(LogLevel level) {
  State().level = level;
}
void SetLogData(bool on) {
  State().data = on;
}
uint64_t LogLines(LogLevel level) {
  return State().lines[static_cast<size_t>(level)].load(std::memory_order_relaxed);
}
bool LogEnabled(LogLevel level) {
  return level >= State().level.load(std::memory_order_relaxed);
}

void LogDebug(LogEvent event, std::string_view message, LogFields fields) {
  Write(LogLevel::kDebug, event.name(), message, Span(fields));
}
void LogInfo(LogEvent event, std::string_view message, LogFields fields) {
  Write(LogLevel::kInfo, event.name(), message, Span(fields));
}
void LogWarning(LogEvent event, std::string_view message, LogFields fields) {
  Write(LogLevel::kWarning, event.name(), message, Span(fields));
}
void LogError(LogEvent event, std::string_view message, LogFields fields) {
  Write(LogLevel::kError, event.name(), message, Span(fields));
}
void LogWarning(LogEvent event, std::string_view message, const absl::Status& status,
                LogFields fields) {
  WriteStatus(LogLevel::kWarning, event.name(), message, status, fields);
}
void LogError(LogEvent event, std::string_view message, const absl::Status& status,
              LogFields fields) {
  WriteStatus(LogLevel::kError, event.name(), message, status, fields);
}

void SetLogSink(std::function<void(std::string_view line)> sink) {
  LogState& state = State();
  std::lock_guard lock(state.mutex);
  state.sink = std::move(sink);
}

}  // namespace penstock

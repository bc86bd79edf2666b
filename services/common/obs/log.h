#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/obs/log_events.h"

namespace penstock {

// One JSON object a line on stderr:
//   {"ts":"2026-03-29T10:15:00.123456Z","level":"info","service":"loader","event":"batch_settled",
//    "message":"…","run":"…","delivered":998}
// `event` is a stable name of log_events.h to search and alert by, `message` is for people. Never
// put a record's values or a secret into either. All functions are thread-safe.
enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError, kOff };

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name);
std::string_view Name(LogLevel level);

// A named value of a line. Usual names: run, sync, batch, trace. Strings are
// borrowed for the call. A Secret has no conversion to one, on purpose.
struct LogField {
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  template <std::signed_integral T>
  LogField(std::string_view k, T v) : key(k), value(static_cast<int64_t>(v)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view k, T v) : key(k), value(static_cast<uint64_t>(v)) {}
  template <std::floating_point T>
  LogField(std::string_view k, T v) : key(k), value(static_cast<double>(v)) {}

  std::string_view key;
  Value value;
};
using LogFields = std::initializer_list<LogField>;

// Names the service on every line from now on and sets the lowest level that is written.
void StartLog(std::string_view service, LogLevel level);
void SetLogLevel(LogLevel level);
void SetLogData(bool on);
// Lines of this level that were written since the start.
uint64_t LogLines(LogLevel level);
bool LogEnabled(LogLevel level);

void LogDebug(LogEvent event, std::string_view message, LogFields fields = {});
void LogInfo(LogEvent event, std::string_view message, LogFields fields = {});
void LogWarning(LogEvent event, std::string_view message, LogFields fields = {});
void LogError(LogEvent event, std::string_view message, LogFields fields = {});
// Adds error_code and owner of the status; the message is "message: the status's". What warehouses
// and destinations say may quote a record, so their texts stay out unless SetLogData(true).
void LogWarning(LogEvent event, std::string_view message, const absl::Status& status,
                LogFields fields = {});
void LogError(LogEvent event, std::string_view message, const absl::Status& status,
              LogFields fields = {});

// Sends lines (without the newline) elsewhere than to stderr; for tests. nullptr: back to stderr.
void SetLogSink(std::function<void(std::string_view line)> sink);

}  // namespace penstock

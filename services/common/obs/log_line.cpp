#include "services/common/obs/log_line.h"

#include <cmath>
#include <cstring>

#include "fmt/chrono.h"
#include "fmt/format.h"

namespace penstock {
namespace {

// The length of the UTF-8 sequence that begins here, 0 when it is none (RFC 3629).
size_t SequenceLength(std::string_view s) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  auto tail = [&](size_t i) { return i < s.size() && (byte(i) & 0xC0) == 0x80; };
  unsigned char b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return tail(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if ((b == 0xE0 && byte(1) < 0xA0) || (b == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((b == 0xF0 && byte(1) < 0x90) || (b == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

void AppendString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    size_t length = SequenceLength(text);
    auto c = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      length = 1;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

struct AppendValue {
  std::string& out;
  void operator()(std::string_view v) const { AppendString(out, v); }
  void operator()(bool v) const { out += v ? "true" : "false"; }
  void operator()(double v) const {
    std::string text = fmt::format("{}", v);
    std::isfinite(v) ? void(out += text) : AppendString(out, text);
  }
  void operator()(auto v) const { fmt::format_to(std::back_inserter(out), "{}", v); }
};

}  // namespace

std::string FormatLogLine(WallTime time, LogLevel level, std::string_view service,
                          std::string_view event, std::string_view message,
                          std::span<const LogField> fields) {
  std::string out;
  out.reserve(160 + message.size() + 32 * fields.size());
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  fmt::format_to(std::back_inserter(out), "{{\"ts\":\"{:%Y-%m-%dT%H:%M:%S}.{:06}Z\"",
                 fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                 (time - seconds).count());
  auto member = [&out](std::string_view key, const LogField::Value& value) {
    out += ',';
    AppendString(out, key);
    out += ':';
    std::visit(AppendValue{out}, value);
  };
  member("level", Name(level));
  member("service", service);
  member("event", event);
  member("message", message);
  for (const LogField& field : fields) member(field.key, field.value);
  out += '}';
  return out;
}

}  // namespace penstock

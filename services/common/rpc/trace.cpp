#include "services/common/rpc/trace.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"

namespace penstock {
namespace {

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) {
  return text.find_first_not_of('0') == text.npos;
}

std::string Span(Random& random) {
  uint64_t value = 0;
  while (value == 0) value = random.Next();
  return fmt::format("{:016x}", value);
}

}  // namespace

Trace::Trace(std::string id, std::string span, std::string flags)
    : id_(std::move(id)), span_(std::move(span)), flags_(std::move(flags)) {}

Trace Trace::New(Random& random) {
  return {Span(random) + Span(random), Span(random), "01"};
}

std::optional<Trace> Trace::Parse(std::string_view traceparent) {
  // 00-<32>-<16>-<2>
  if (traceparent.size() != 55 || !traceparent.starts_with("00-") || traceparent[35] != '-' ||
      traceparent[52] != '-')
    return std::nullopt;
  std::string_view id = traceparent.substr(3, 32);
  std::string_view span = traceparent.substr(36, 16);
  std::string_view flags = traceparent.substr(53);
  if (!IsHex(id) || !IsHex(span) || !IsHex(flags) || IsZero(id) || IsZero(span))
    return std::nullopt;
  return Trace(std::string(id), std::string(span), std::string(flags));
}

Trace Trace::Child(Random& random) const {
  return {id_, Span(random), flags_};
}

std::string Trace::traceparent() const {
  return fmt::format("00-{}-{}-{}", id_, span_, flags_);
}

}  // namespace penstock

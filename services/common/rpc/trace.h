#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/common/core/random.h"

namespace penstock {

// The identity of a request over all services: W3C trace context, header "traceparent"
// (https://www.w3.org/TR/trace-context/), version 00. Goes with every call and into every log line
// as `trace`.
class Trace {
 public:
  // A new trace.
  static Trace New(Random& random = Random::System());
  // What a caller sent; nothing when it isn't well-formed.
  static std::optional<Trace> Parse(std::string_view traceparent);

  // The same trace, another span: what is sent to the next service.
  Trace Child(Random& random = Random::System()) const;
  // 32 hex digits.
  const std::string& id() const { return id_; }
  std::string traceparent() const;

 private:
  Trace(std::string id, std::string span, std::string flags);

  std::string id_;
  std::string span_;
  std::string flags_;
};

}  // namespace penstock

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/core/secret.h"

namespace penstock {

// A size in bytes, to tell it from a count: 64MB.
struct ByteSize {
  uint64_t bytes = 0;
  friend bool operator==(const ByteSize&, const ByteSize&) = default;
};

// How a type of option is read, shown and described. Errors say what form is right, without the
// option's name.
template <typename T>
struct ServiceValue;

#define PENSTOCK_SERVICE_VALUE(type, description)             \
  template <>                                                 \
  struct ServiceValue<type> {                                 \
    static constexpr std::string_view kType = description;    \
    static absl::StatusOr<type> Parse(std::string_view text); \
    static std::string Show(const type& value);               \
  }

PENSTOCK_SERVICE_VALUE(std::string, "text");
PENSTOCK_SERVICE_VALUE(Secret, "secret");
PENSTOCK_SERVICE_VALUE(bool, "true|false");
PENSTOCK_SERVICE_VALUE(int, "number");
PENSTOCK_SERVICE_VALUE(double, "number");
PENSTOCK_SERVICE_VALUE(ByteSize, "size");
PENSTOCK_SERVICE_VALUE(Duration, "duration");
PENSTOCK_SERVICE_VALUE(std::vector<std::string>, "list");

#undef PENSTOCK_SERVICE_VALUE

}  // namespace penstock

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/core/random.h"

namespace penstock {

// A UUID; runs and snapshots are named by version 7 (RFC 9562), so their order is that of creation
// to the millisecond.
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;

  static Uuid V7(WallTime now, Random& random);
  // 36 characters, lower case. INVALID_REQUEST when the text is not of that form.
  static absl::StatusOr<Uuid> Parse(std::string_view text);
  std::string ToString() const;
  // The 16 bytes as they are stored and sent.
  std::string_view raw() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // REQUIRES: raw.size() == 16.
  static Uuid FromRaw(std::string_view raw);
};

}  // namespace penstock

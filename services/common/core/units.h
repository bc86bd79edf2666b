#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"

namespace penstock {

// "250ms", "30s", "1h30m", "2d": whole numbers, each with one of ms, s, m, h, d, largest first.
// "0" is zero. INVALID_REQUEST names the forms that are right.
absl::StatusOr<Duration> ParseDuration(std::string_view text);
// The shortest text that ParseDuration reads back, to the millisecond.
std::string FormatDuration(Duration duration);

// "500kB", "64MB", "1GiB", "4096": kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB of 1024;
// no unit or B means bytes. INVALID_REQUEST names the forms that are right.
absl::StatusOr<uint64_t> ParseByteSize(std::string_view text);
std::string FormatByteSize(uint64_t bytes);

}  // namespace penstock

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/values/value.h"

// Dates and times: from PostgreSQL's binary forms to text, and from text to canonical text.
namespace penstock {

// Days since 2000-01-01 as "2026-03-29". Infinite and outside of the years 0000 to 9999: an error.
MaybeError AppendDate(std::string& out, int32_t days);
// Microseconds since 2000-01-01T00:00:00Z as "2026-03-29T10:15:00.123456Z"; the fraction is left
// out when it is zero. Errors as above.
MaybeError AppendTimestamp(std::string& out, int64_t microseconds);
// The same for a wall clock's reading in `zone`; of a time that occurs twice the first, of one that
// is skipped the one that the clock before the jump would show.
MaybeError AppendLocalTimestamp(std::string& out, int64_t microseconds, const absl::TimeZone& zone);
// ISO 8601: "P1Y2M3DT4H5M6.5S", "PT0S".
MaybeError AppendInterval(std::string& out, int64_t microseconds, int32_t days, int32_t months);

// The same for an instant.
MaybeError AppendTime(std::string& out, absl::Time time);

// Reads "2026-03-29" and nothing else, of the years 0000 to 9999.
bool ReadDay(std::string_view text, absl::CivilDay& out);
// Reads a timestamp (RFC 3339, a space for its T allowed; without offset: in `zone`; or a date: its
// first moment in `zone`), of the years 0000 to 9999.
bool ReadTimestamp(std::string_view text, const absl::TimeZone& zone, absl::Time& out);

// Reads a date, or the date of a timestamp in its form, and appends it.
bool ParseDate(std::string& out, std::string_view text);
// Reads a timestamp and appends it as AppendTimestamp would.
bool ParseTimestamp(std::string& out, std::string_view text, const absl::TimeZone& zone);

}  // namespace penstock

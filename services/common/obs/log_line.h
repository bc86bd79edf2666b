#pragma once

#include <span>
#include <string>
#include <string_view>

#include "services/common/core/clock.h"
#include "services/common/obs/log.h"

namespace penstock {

// Writes one line of the log as JSON, without the newline. Bytes that are no UTF-8 become U+FFFD,
// numbers that JSON lacks become strings.
std::string FormatLogLine(WallTime time, LogLevel level, std::string_view service,
                          std::string_view event, std::string_view message,
                          std::span<const LogField> fields);

}  // namespace penstock

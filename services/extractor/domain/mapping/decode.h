#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "services/common/values/value.h"
#include "services/extractor/domain/mapping/wire_type.h"

namespace penstock {

// Turns a value's binary COPY form into its kind and text. The text points into `bytes` where it
// stands there already, else into `scratch`, whose content is replaced. Timestamps without a zone
// are read in `zone`. Bytes that are not of the type, or a value that JSON has no form for (NaN,
// infinity, text that is not UTF-8): an error.
MaybeError Decode(const WireType& type, std::string_view bytes, const absl::TimeZone& zone,
                  std::string& scratch, Value& out);

}  // namespace penstock

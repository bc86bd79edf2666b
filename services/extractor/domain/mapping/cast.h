#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "services/common/model/resources.h"
#include "services/common/values/value.h"
#include "services/extractor/domain/mapping/wire_type.h"

namespace penstock {

// Whether a column of this type can ever be cast so; a false one is refused when the mapping is
// compiled.
bool CanCast(const WireType& from, Cast to);
std::string_view Name(Cast cast);

// Turns `value`, which is not null, into what the cast asks for. The result's text points to where
// it pointed, or into `scratch`, whose content is replaced. `scratch` must not hold the value.
MaybeError ApplyCast(Cast cast, const absl::TimeZone& zone, std::string& scratch, Value& value);

}  // namespace penstock

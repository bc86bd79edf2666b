#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace penstock::state {

// Messages are stored as protobuf's JSON, so that a person with psql can read them.
std::string ToJson(const google::protobuf::Message& message);
// DATA_CORRUPT when the text is not of that message; unknown fields (of a newer version) are passed
// over.
absl::Status FromJson(std::string_view json, google::protobuf::Message& message);

}  // namespace penstock::state

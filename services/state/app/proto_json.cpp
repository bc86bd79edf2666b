#include "services/state/app/proto_json.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"

namespace penstock::state {

std::string ToJson(const google::protobuf::Message& message) {
  std::string json;
  // Fails only for messages with invalid UTF-8, which gRPC's parser has refused before.
  google::protobuf::util::MessageToJsonString(message, &json);
  return json;
}

absl::Status FromJson(std::string_view json, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &message, options);
  if (status.ok()) return absl::OkStatus();
  return Error(ErrorCode::kDATA_CORRUPT,
               absl::StrCat("a stored ", message.GetTypeName(),
                            " can't be read: ", std::string(status.message())));
}

}  // namespace penstock::state

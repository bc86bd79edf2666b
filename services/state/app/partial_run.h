#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/map.h"
#include "penstock/internal/v1/planning.pb.h"

namespace penstock {
class PgTransaction;
}

// Runs that send only a part of what has changed (limit, key), or to another Destination.
namespace penstock::state {

using KeyColumns = google::protobuf::Map<std::string, std::string>;

// A primary key by column, as runs store it.
std::string KeyJson(const KeyColumns& key);
absl::StatusOr<KeyColumns> ReadKey(std::string_view json);

bool IsPartial(const penstock::internal::v1::CreateRunRequest& request);

// Whether the request asks for what can be: a key of the model's primary key, a Destination of the
// same connector. INVALID_REQUEST, RESOURCE_NOT_FOUND.
absl::Status CheckPartial(PgTransaction& tx,
                          const penstock::internal::v1::CreateRunRequest& request);

}  // namespace penstock::state

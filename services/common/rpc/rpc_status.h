#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/common/core/error_codes.h"

namespace grpc {
class Status;
}

namespace penstock {

// A Status as gRPC sends it. The code goes as google.rpc.ErrorInfo{reason, domain penstock.dev,
// metadata owner, retry and what WithMetadata() added}, field violations as BadRequest, and where
// the code says "later" a RetryInfo tells how long to wait.
grpc::Status ToGrpc(const absl::Status& status);

// The other way. An error that no service of Penstock made (the connection failed, the deadline
// passed) gets the code `unavailable`.
absl::Status FromGrpc(const grpc::Status& status, ErrorCode unavailable);

// What is wrong with one field of a request.
struct FieldViolation {
  std::string field;
  std::string description;
  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// An error with all violations at once; its message is the first one's and how many more there are.
// REQUIRES: !violations.empty().
absl::Status BadRequestError(ErrorCode code, const std::vector<FieldViolation>& violations);
// Empty when the error carries none.
std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status);

// The same error with one more entry in its ErrorInfo's metadata, for programs.
absl::Status WithMetadata(absl::Status status, const std::string& key, const std::string& value);
// The entry of that key; empty when there is none.
std::string MetadataOf(const absl::Status& status, const std::string& key);

// The same error with the least time after which trying again makes sense.
absl::Status WithRetryDelay(absl::Status status, std::chrono::milliseconds delay);
// Zero when the error says nothing about it.
std::chrono::milliseconds RetryDelayOf(const absl::Status& status);

}  // namespace penstock

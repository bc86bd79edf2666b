#pragma once

#include <grpcpp/support/status.h>

#include <optional>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace penstock::testing {

// A detail of an error, as any client of gRPC finds it.
template <typename Detail>
std::optional<Detail> DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return std::nullopt;
  for (const auto& one : details.details()) {
    Detail detail;
    if (one.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

}  // namespace penstock::testing

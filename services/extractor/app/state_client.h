#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/extraction.pb.h"

namespace grpc {
class Channel;
}

namespace penstock::extractor {

namespace pb = penstock::internal::v1;

// State as a task's thread sees it: calls wait for their answer. Thread-safe.
class StateClient {
 public:
  StateClient(const std::shared_ptr<grpc::Channel>& channel, std::chrono::nanoseconds timeout);
  ~StateClient();

  absl::StatusOr<std::optional<pb::Task>> LeaseTask(uint64_t worker);
  absl::StatusOr<pb::HeartbeatResponse> Heartbeat(const pb::HeartbeatRequest& request);
  // Calls `chunk` with the pieces of each segment, in order.
  absl::Status ReadSegments(
      const std::vector<uint64_t>& ids,
      const std::function<absl::Status(const pb::ReadSegmentsResponse&)>& chunk);
  // The bitmap of a read.
  absl::StatusOr<std::string> ReadSeen(const std::string& run_id, uint32_t read);
  // Sends what `next` gives until it gives nothing.
  absl::Status EndRead(const std::function<std::optional<pb::EndReadRequest>()>& next);
  absl::Status CompleteTask(const pb::CompleteTaskRequest& request);
  // A repeat changes nothing.
  absl::Status AdoptRecords(const pb::AdoptRecordsRequest& request);
  absl::Status FailTask(const pb::FailTaskRequest& request);

 private:
  struct Stub;
  std::unique_ptr<Stub> stub_;
  const std::chrono::nanoseconds timeout_;
};

}  // namespace penstock::extractor

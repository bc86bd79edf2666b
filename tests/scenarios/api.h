#pragma once

#include <memory>
#include <string>
#include <vector>

#include "penstock/v1/resource_service.grpc.pb.h"
#include "penstock/v1/run_service.grpc.pb.h"

namespace penstock::scenario {

// The public API, called as any client would: a call that finds nobody is made again, for at most
// ten seconds. Thread-safe.
class Api {
 public:
  explicit Api(const std::string& planner_address);

  grpc::Status Apply(const v1::ApplyResourcesRequest& request);
  // Throws std::runtime_error when a call fails.
  // With a request id of its own, so that a call whose answer was lost starts nothing twice.
  v1::Run Trigger(v1::TriggerRunRequest request);
  v1::Run Get(const std::string& run_id);
  v1::Run NewestRun(const std::string& sync);
  std::vector<v1::Run> Runs();
  void Cancel(const std::string& run_id);
  void Resume(const std::string& run_id);
  v1::Plan Plan(const std::string& run_id);
  std::vector<v1::RejectedRecord> Rejected(const std::string& run_id);

 private:
  std::unique_ptr<v1::ResourceService::Stub> resources_;
  std::unique_ptr<v1::RunService::Stub> runs_;
};

}  // namespace penstock::scenario

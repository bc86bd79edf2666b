#include "tests/scenarios/api.h"

#include <grpcpp/create_channel.h>

#include <chrono>
#include <stdexcept>
#include <tuple>

#include "fmt/format.h"
#include "services/common/core/clock.h"
#include "services/common/core/random.h"
#include "services/common/core/uuid.h"
#include "services/common/testing/wait_for.h"

namespace penstock::scenario {
namespace {

constexpr std::chrono::seconds kPatience{10};

// One call with a deadline, which waits for a planner that is just coming back.
template <typename Stub, typename Request, typename Response>
grpc::Status CallOnce(Stub& stub,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  context.set_wait_for_ready(true);
  response.Clear();
  return (stub.*method)(&context, request, &response);
}

// Asks again while the planner, or what it needs, is away. What is called so may be done twice.
template <typename Stub, typename Request, typename Response>
grpc::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response& response) {
  grpc::Status status;
  std::ignore = testing::WaitFor(
      [&] {
        status = CallOnce(stub, method, request, response);
        return status.error_code() != grpc::StatusCode::UNAVAILABLE;
      },
      kPatience);
  return status;
}

void Check(const char* what, const grpc::Status& status) {
  if (!status.ok()) throw std::runtime_error(fmt::format("{}: {}", what, status.error_message()));
}

}  // namespace

Api::Api(const std::string& planner_address) {
  auto channel = grpc::CreateChannel(planner_address, grpc::InsecureChannelCredentials());
  resources_ = v1::ResourceService::NewStub(channel);
  runs_ = v1::RunService::NewStub(channel);
}

grpc::Status Api::Apply(const v1::ApplyResourcesRequest& request) {
  v1::ApplyResourcesResponse response;
  grpc::Status status;
  // A planner that answers tells why; one that was killed leaves nothing to read.
  std::ignore = testing::WaitFor(
      [&] {
        status =
            CallOnce(*resources_, &v1::ResourceService::Stub::ApplyResources, request, response);
        return status.error_code() != grpc::StatusCode::UNAVAILABLE ||
               !status.error_details().empty();
      },
      kPatience);
  return status;
}

v1::Run Api::Trigger(v1::TriggerRunRequest request) {
  request.set_request_id(Uuid::V7(Clock::System().Wall(), Random::System()).ToString());
  v1::TriggerRunResponse response;
  Check("TriggerRun", Call(*runs_, &v1::RunService::Stub::TriggerRun, request, response));
  return response.run();
}

v1::Run Api::Get(const std::string& run_id) {
  v1::GetRunRequest request;
  request.set_run_id(run_id);
  v1::GetRunResponse response;
  Check("GetRun", Call(*runs_, &v1::RunService::Stub::GetRun, request, response));
  return response.run();
}

v1::Run Api::NewestRun(const std::string& sync) {
  v1::ListRunsRequest request;
  request.set_sync(sync);
  request.set_page_size(1);
  v1::ListRunsResponse response;
  Check("ListRuns", Call(*runs_, &v1::RunService::Stub::ListRuns, request, response));
  return response.runs_size() == 0 ? v1::Run() : response.runs(0);
}

std::vector<v1::Run> Api::Runs() {
  v1::ListRunsRequest request;
  request.set_page_size(1000);
  v1::ListRunsResponse response;
  Check("ListRuns", Call(*runs_, &v1::RunService::Stub::ListRuns, request, response));
  return {response.runs().begin(), response.runs().end()};
}

void Api::Cancel(const std::string& run_id) {
  v1::CancelRunRequest request;
  request.set_run_id(run_id);
  v1::CancelRunResponse response;
  Check("CancelRun", Call(*runs_, &v1::RunService::Stub::CancelRun, request, response));
}

void Api::Resume(const std::string& run_id) {
  v1::ResumeRunRequest request;
  request.set_run_id(run_id);
  v1::ResumeRunResponse response;
  Check("ResumeRun", Call(*runs_, &v1::RunService::Stub::ResumeRun, request, response));
}

v1::Plan Api::Plan(const std::string& run_id) {
  v1::GetPlanRequest request;
  request.set_run_id(run_id);
  v1::GetPlanResponse response;
  Check("GetPlan", Call(*runs_, &v1::RunService::Stub::GetPlan, request, response));
  return response.plan();
}

std::vector<v1::RejectedRecord> Api::Rejected(const std::string& run_id) {
  v1::ListRejectedRecordsRequest request;
  request.set_run_id(run_id);
  request.set_page_size(1000);
  v1::ListRejectedRecordsResponse response;
  Check("ListRejectedRecords",
        Call(*runs_, &v1::RunService::Stub::ListRejectedRecords, request, response));
  return {response.records().begin(), response.records().end()};
}

}  // namespace penstock::scenario

// Runs a Sync and waits for its end: run_sync SYNC REQUEST_ID
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "penstock/v1/run_service.grpc.pb.h"

namespace v1 = penstock::v1;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Content(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<v1::RunService::Stub> Connect() {
  const std::string server = Variable("PENSTOCK_SERVER");
  const std::string ca = Variable("PENSTOCK_TLS_CA");
  const auto credentials = ca.empty() ? grpc::InsecureChannelCredentials()
                                      : grpc::SslCredentials({.pem_root_certs = Content(ca)});
  return v1::RunService::NewStub(
      grpc::CreateChannel(server.empty() ? "127.0.0.1:7070" : server, credentials));
}

void Authorize(grpc::ClientContext& context) {
  const std::string file = Variable("PENSTOCK_TOKEN_FILE");
  if (file.empty()) return;
  std::string token;
  std::ifstream(file) >> token;
  context.AddMetadata("authorization", "Bearer " + token);
}

// The same request id gets the same run, so a call whose answer was lost is just made again.
grpc::Status Trigger(v1::RunService::Stub& runs, const v1::TriggerRunRequest& request,
                     v1::Run& run) {
  while (true) {
    grpc::ClientContext context;
    Authorize(context);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::TriggerRunResponse response;
    const grpc::Status status = runs.TriggerRun(&context, request, &response);
    run = response.run();
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
        status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED)
      return status;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

// Follows the run; a stream that a stopping planner ended is just opened again.
grpc::Status Wait(v1::RunService::Stub& runs, v1::Run& run) {
  while (true) {
    grpc::ClientContext context;
    Authorize(context);
    v1::WatchRunRequest request;
    request.set_run_id(run.id());
    const auto stream = runs.WatchRun(&context, request);
    v1::WatchRunResponse response;
    while (stream->Read(&response)) run = response.run();
    const grpc::Status status = stream->Finish();  // OK: the run has ended
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return status;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: run_sync SYNC REQUEST_ID\n";
    return 2;
  }
  const auto runs = Connect();
  v1::TriggerRunRequest request;
  request.set_sync(argv[1]);
  request.set_request_id(argv[2]);
  v1::Run run;
  grpc::Status status = Trigger(*runs, request, run);
  if (status.ok()) status = Wait(*runs, run);
  if (!status.ok()) {
    std::cerr << status.error_message() << "\n";
    return 1;
  }
  int64_t delivered = 0;
  for (const v1::OperationCounts& operation : run.operations()) delivered += operation.delivered();
  std::cout << run.id() << " " << v1::RunState_Name(run.state()) << " " << delivered
            << " delivered " << run.error().message() << "\n";
  return run.state() == v1::RUN_STATE_SUCCEEDED ? 0 : 1;
}

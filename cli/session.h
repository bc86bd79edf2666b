#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "penstock/v1/cluster_service.grpc.pb.h"
#include "penstock/v1/resource_service.grpc.pb.h"
#include "penstock/v1/run_service.grpc.pb.h"
#include "penstock/v1/sync_service.grpc.pb.h"

namespace penstock::cli {

inline constexpr std::chrono::seconds kCallTimeout{30};

enum class Format : uint8_t { kTable, kJson, kYaml, kName };

// What every verb is given: the server's address, the form of the output, and calls. Not
// thread-safe.
class Session {
 public:
  static constexpr std::string_view kDefaultServer = "127.0.0.1:7070";

  std::string context_name;  // whose settings hold where these are empty (cli/context.h)
  std::string server;
  std::string tls_ca;      // file of the authorities to verify the server by; empty: plain text
  std::string token_file;  // file with the bearer token; empty: none
  Format format = Format::kTable;

  // Before the first call: takes from the context what is not given. Connects nothing yet; fails
  // when the address is none, or a file wrong.
  absl::Status Open();
  v1::ResourceService::StubInterface& resources() { return *resources_; }
  v1::RunService::StubInterface& runs() { return *runs_; }
  v1::SyncService::StubInterface& syncs() { return *syncs_; }
  v1::ClusterService::StubInterface& cluster() { return *cluster_; }

  // Calls a unary method and waits for its answer:
  //   session.Call(session.runs(), &v1::RunService::StubInterface::GetRun, request)
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, std::chrono::milliseconds timeout = kCallTimeout) {
    grpc::ClientContext context;
    Authorize(context);
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    Response response;
    absl::Status status = Translate((stub.*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  // Gives a call what it needs to be let in; Call() does it by itself.
  void Authorize(grpc::ClientContext& context) const;
  // The Status of a call; one that no server answered says what to do.
  absl::Status Translate(const grpc::Status& status) const;

 private:
  absl::Status UseContext();

  std::string token_;
  std::unique_ptr<v1::ResourceService::StubInterface> resources_;
  std::unique_ptr<v1::RunService::StubInterface> runs_;
  std::unique_ptr<v1::SyncService::StubInterface> syncs_;
  std::unique_ptr<v1::ClusterService::StubInterface> cluster_;
};

// Prints "penstock: message" on stderr and returns the code to exit with.
ExitCode Fail(const absl::Status& status);

}  // namespace penstock::cli

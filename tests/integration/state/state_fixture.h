#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "penstock/internal/v1/delivery.grpc.pb.h"
#include "penstock/internal/v1/extraction.grpc.pb.h"
#include "penstock/internal/v1/planning.grpc.pb.h"
#include "services/common/model/batch.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::state {

namespace pb = penstock::internal::v1;
namespace v1 = penstock::v1;

// A real penstock-state over a private PostgreSQL, spoken to as planner, extractor and loader
// would. Leases and grants are short: a lease lasts 1 s, and what runs out is noticed 0.3 s later.
class StateTest : public ::testing::Test {
 protected:
  StateTest();
  ~StateTest() override;

  void StartState();
  // Stores a Source, a Model, a Connector, a Destination and a mirror Sync "s" that keeps identity.
  void StoreResources();
  pb::RunFacts CreateRun(const std::string& request_id = "", v1::RunType type = v1::RUN_TYPE_SYNC,
                         const std::string& sync = "s");
  grpc::Status TryCreateRun(const pb::CreateRunRequest& request, pb::CreateRunResponse& response);
  pb::RunFacts Facts(const std::string& run);
  grpc::Status Move(const std::string& run, pb::RunEvent event);
  // Leases a task; fails the test when there is none.
  pb::Task Lease();
  // Announces batches 1..number with so many records of an operation.
  grpc::Status Announce(const pb::Task& task, uint32_t number, int64_t records,
                        Operation operation = Operation::kUpsert);
  grpc::Status EndRead(const pb::Task& task, uint32_t number, int64_t records, int64_t rows_read);
  grpc::Status Complete(const pb::Task& task);

  // One loader's stream.
  class Loader {
   public:
    Loader(pb::DeliveryService::Stub& stub, uint64_t id)
        : id_(id), stream_(stub.Deliver(&context_)) {}
    ~Loader() {
      stream_->WritesDone();
      stream_->Finish();
    }
    pb::DeliverResponse Ask(pb::DeliverRequest request);
    pb::DeliverResponse Begin(const pb::Task& task, uint32_t number,
                              const std::vector<uint64_t>& keys,
                              Operation operation = Operation::kUpsert, uint32_t length_ms = 500);
    pb::DeliverResponse Report(const pb::Task& task, uint32_t number, uint32_t grant,
                               const std::string& outcomes, const std::string& unanswered);
    pb::DeliverResponse Release(const pb::Task& task, uint32_t number, uint32_t grant);

   private:
    uint64_t id_;
    uint64_t ticket_ = 0;
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReaderWriter<pb::DeliverRequest, pb::DeliverResponse>> stream_;
  };
  std::unique_ptr<Loader> NewLoader(uint64_t id) {
    return std::make_unique<Loader>(*delivery_, id);
  }

  // Runs one read that delivers these keys, to SUCCEEDED or PARTIAL. Returns the run's final facts.
  pb::RunFacts DeliverAll(const std::vector<uint64_t>& keys, const std::string& outcomes,
                          const std::string& sync = "s");
  // The same for a run that is there, the only one with a waiting task.
  pb::RunFacts Deliver(const std::string& run, const std::vector<uint64_t>& keys,
                       const std::string& outcomes);

  testing::TempDir dir_{"state"};
  testing::PostgresServer postgres_;
  uint16_t port_;
  std::unique_ptr<testing::ChildProcess> state_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::PlanningService::Stub> planning_;
  std::unique_ptr<pb::ExtractionService::Stub> extraction_;
  std::unique_ptr<pb::DeliveryService::Stub> delivery_;
};

}  // namespace penstock::state

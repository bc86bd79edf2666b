#include "tests/integration/state/state_fixture.h"

#include "services/common/testing/free_port.h"
#include "services/common/testing/wait_for.h"

namespace penstock::state {

StateTest::StateTest() : port_(testing::FreePort()) {
  postgres_.CreateDatabase("penstock");
  StartState();
  channel_ =
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port_), grpc::InsecureChannelCredentials());
  planning_ = pb::PlanningService::NewStub(channel_);
  extraction_ = pb::ExtractionService::NewStub(channel_);
  delivery_ = pb::DeliveryService::NewStub(channel_);
  if (!channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20))) {
    ADD_FAILURE() << "penstock-state did not start: " << testing::ReadFile(dir_ / "state.log");
  }
}

StateTest::~StateTest() {
  if (HasFailure()) std::cerr << testing::ReadFile(dir_ / "state.log");
}

void StateTest::StartState() {
  state_ = std::make_unique<testing::ChildProcess>(testing::ChildProcess::Options{
      .args = {std::string(PENSTOCK_BIN) + "/penstock-state", "--listen",
               "127.0.0.1:" + std::to_string(port_), "--admin-listen", "127.0.0.1:0", "--database",
               postgres_.Dsn("penstock"), "--lease", "1s", "--grant-slack", "300ms",
               "--watch-interval", "100ms"},
      .out = dir_ / "state.log"});
}

void StateTest::StoreResources() {
  pb::StoreResourcesRequest request;
  v1::Source& source = *request.add_resources()->mutable_source();
  source.mutable_metadata()->set_name("wh");
  source.set_connector("postgres");
  v1::Model& model = *request.add_resources()->mutable_model();
  model.mutable_metadata()->set_name("m");
  model.set_source("wh");
  model.set_table("t");
  model.add_primary_key("id");
  v1::Connector& connector = *request.add_resources()->mutable_connector();
  connector.mutable_metadata()->set_name("http");
  v1::Destination& destination = *request.add_resources()->mutable_destination();
  destination.mutable_metadata()->set_name("d");
  destination.set_connector("http");
  v1::Sync& sync = *request.add_resources()->mutable_sync();
  sync.mutable_metadata()->set_name("s");
  sync.set_model("m");
  sync.set_destination("d");
  sync.set_object("o");
  sync.set_mode(v1::MODE_MIRROR);
  sync.set_retry_from_ms(3'600'000);
  sync.set_retry_to_ms(86'400'000);
  sync.mutable_delivery()->set_give_up_after_ms(86'400'000);
  sync.mutable_guard()->set_max_rejected(0.5);
  sync.mutable_guard()->set_max_rejected_min(1000);
  pb::SyncTarget& target = (*request.mutable_targets())["s"];
  target.set_target("d/o");
  target.set_keeps_identity(true);
  target.set_account("d");
  grpc::ClientContext context;
  pb::StoreResourcesResponse response;
  const grpc::Status status = planning_->StoreResources(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
}

grpc::Status StateTest::TryCreateRun(const pb::CreateRunRequest& request,
                                     pb::CreateRunResponse& response) {
  grpc::ClientContext context;
  return planning_->CreateRun(&context, request, &response);
}

pb::RunFacts StateTest::CreateRun(const std::string& request_id, v1::RunType type,
                                  const std::string& sync) {
  pb::CreateRunRequest request;
  request.set_sync(sync);
  request.set_request_id(request_id);
  request.set_type(type);
  pb::CreateRunResponse response;
  const grpc::Status status = TryCreateRun(request, response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.facts();
}

pb::RunFacts StateTest::Facts(const std::string& run) {
  pb::GetRunRequest request;
  request.set_run_id(run);
  grpc::ClientContext context;
  pb::GetRunResponse response;
  const grpc::Status status = planning_->GetRun(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.facts();
}

grpc::Status StateTest::Move(const std::string& run, pb::RunEvent event) {
  pb::TransitionRequest request;
  request.set_run_id(run);
  request.set_event(event);
  grpc::ClientContext context;
  pb::TransitionResponse response;
  return planning_->Transition(&context, request, &response);
}

pb::Task StateTest::Lease() {
  grpc::ClientContext context;
  pb::LeaseTaskRequest request;
  request.set_worker(7);
  pb::LeaseTaskResponse response;
  const grpc::Status status = extraction_->LeaseTask(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.has_task());
  return response.task();
}

namespace {

pb::Announcement Announcing(uint32_t number, int64_t records, Operation operation) {
  pb::Announcement announced;
  announced.set_last_number(number);
  pb::OperationCount& count = *announced.add_records();
  count.set_operation(static_cast<uint32_t>(operation));
  count.set_records(records);
  announced.set_recipe(77);
  announced.set_identity_fingerprint(88);
  return announced;
}

pb::BatchRef RefOf(const pb::Task& task, uint32_t number) {
  pb::BatchRef ref;
  ref.set_run_id(task.run_id());
  ref.set_read(task.read());
  ref.set_task_id(task.task_id());
  ref.set_number(number);
  return ref;
}

}  // namespace

grpc::Status StateTest::Announce(const pb::Task& task, uint32_t number, int64_t records,
                                 Operation operation) {
  pb::HeartbeatRequest request;
  request.set_task_id(task.task_id());
  request.set_fence(task.fence());
  *request.mutable_announced() = Announcing(number, records, operation);
  grpc::ClientContext context;
  pb::HeartbeatResponse response;
  return extraction_->Heartbeat(&context, request, &response);
}

grpc::Status StateTest::EndRead(const pb::Task& task, uint32_t number, int64_t records,
                                int64_t rows_read) {
  grpc::ClientContext context;
  pb::EndReadResponse response;
  auto writer = extraction_->EndRead(&context, &response);
  pb::EndReadRequest message;
  pb::ReadSummary& summary = *message.mutable_summary();
  summary.set_task_id(task.task_id());
  summary.set_fence(task.fence());
  *summary.mutable_announced() = Announcing(number, records, Operation::kUpsert);
  summary.mutable_rows()->set_rows_read(rows_read);
  summary.mutable_rows()->set_changed(records);
  summary.mutable_rows()->set_unchanged(rows_read - records);
  summary.mutable_rows()->set_whole(true);
  message.set_bitmap("\x03");
  message.set_last(true);
  writer->Write(message);
  writer->WritesDone();
  return writer->Finish();
}

grpc::Status StateTest::Complete(const pb::Task& task) {
  pb::CompleteTaskRequest request;
  request.set_task_id(task.task_id());
  request.set_fence(task.fence());
  grpc::ClientContext context;
  pb::CompleteTaskResponse response;
  return extraction_->CompleteTask(&context, request, &response);
}

pb::DeliverResponse StateTest::Loader::Ask(pb::DeliverRequest request) {
  request.set_ticket(++ticket_);
  request.set_loader(id_);
  pb::DeliverResponse response;
  EXPECT_TRUE(stream_->Write(request));
  EXPECT_TRUE(stream_->Read(&response));
  EXPECT_EQ(response.ticket(), ticket_);
  return response;
}

pb::DeliverResponse StateTest::Loader::Begin(const pb::Task& task, uint32_t number,
                                             const std::vector<uint64_t>& keys, Operation operation,
                                             uint32_t length_ms) {
  pb::DeliverRequest request;
  pb::Begin& begin = *request.mutable_begin();
  *begin.mutable_batch() = RefOf(task, number);
  begin.set_operation(static_cast<uint32_t>(operation));
  begin.set_records(static_cast<uint32_t>(keys.size()));
  begin.set_keeps_identity(true);
  begin.set_length_ms(length_ms);
  IntentWriter writer(*begin.mutable_intents(), true);
  for (uint64_t key : keys)
    writer.Add(
        {.key = {key, key}, .row = key + 1, .emission = 5, .primary_key = key, .identity = "id"});
  return Ask(std::move(request));
}

pb::DeliverResponse StateTest::Loader::Report(const pb::Task& task, uint32_t number, uint32_t grant,
                                              const std::string& outcomes,
                                              const std::string& unanswered) {
  pb::DeliverRequest request;
  pb::Report& report = *request.mutable_report();
  *report.mutable_batch() = RefOf(task, number);
  report.set_grant_no(grant);
  report.set_outcomes(outcomes);
  report.set_unanswered(unanswered);
  for (uint32_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i] != 4) continue;
    pb::RecordProblem& problem = *report.add_problems();
    problem.set_index(i);
    problem.set_primary_key("{\"id\":1}");
    problem.set_code("DESTINATION_REJECTED");
    problem.set_message("no such plan");
  }
  return Ask(std::move(request));
}

pb::DeliverResponse StateTest::Loader::Release(const pb::Task& task, uint32_t number,
                                               uint32_t grant) {
  pb::DeliverRequest request;
  *request.mutable_release()->mutable_batch() = RefOf(task, number);
  request.mutable_release()->set_grant_no(grant);
  return Ask(std::move(request));
}

pb::RunFacts StateTest::DeliverAll(const std::vector<uint64_t>& keys, const std::string& outcomes,
                                   const std::string& sync) {
  return Deliver(CreateRun("", v1::RUN_TYPE_SYNC, sync).run().id(), keys, outcomes);
}

pb::RunFacts StateTest::Deliver(const std::string& run, const std::vector<uint64_t>& keys,
                                const std::string& outcomes) {
  const pb::Task task = Lease();
  const auto records = static_cast<int64_t>(keys.size());
  EXPECT_TRUE(Announce(task, 1, records).ok());
  auto loader = NewLoader(1);
  const pb::DeliverResponse granted = loader->Begin(task, 1, keys);
  EXPECT_TRUE(granted.has_granted()) << granted.DebugString();
  EXPECT_TRUE(loader
                  ->Report(task, 1, granted.granted().grant_no(), outcomes,
                           std::string((keys.size() + 7) / 8, '\0'))
                  .has_ack());
  grpc::Status status = EndRead(task, 1, records, records);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(Complete(task).ok());
  for (pb::RunEvent event : {pb::RUN_EVENT_FINALIZE, pb::RUN_EVENT_FINISH}) {
    status = Move(run, event);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  return Facts(run);
}

}  // namespace penstock::state

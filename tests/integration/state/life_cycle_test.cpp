#include <gmock/gmock.h>

#include "services/common/model/batch.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/state/state_fixture.h"

namespace penstock::state {
namespace {

using ::testing::HasSubstr;
using std::string_literals::operator""s;

class LifeCycleTest : public StateTest {
 protected:
  LifeCycleTest() { StoreResources(); }

  grpc::Status Delete(v1::Fate fate) {
    pb::StoreResourcesRequest request;
    v1::ResourceName& gone = *request.add_deletes();
    gone.set_kind("Sync");
    gone.set_name("s");
    request.set_fate(fate);
    grpc::ClientContext context;
    pb::StoreResourcesResponse response;
    return planning_->StoreResources(&context, request, &response);
  }

  grpc::Status Change(const pb::ChangeSyncRequest& change, v1::SyncStatus& status) {
    grpc::ClientContext context;
    pb::ChangeSyncResponse response;
    const grpc::Status changed = planning_->ChangeSync(&context, change, &response);
    status = response.status();
    return changed;
  }
  grpc::Status Reset(v1::Reset reset) {
    pb::ChangeSyncRequest change;
    change.set_sync("s");
    change.set_reset(reset);
    v1::SyncStatus status;
    return Change(change, status);
  }
  grpc::Status SetPaused(bool paused) {
    pb::ChangeSyncRequest change;
    change.set_sync("s");
    change.set_paused(paused);
    v1::SyncStatus status;
    return Change(change, status);
  }

  grpc::Status Adopt(const pb::Task& task, uint32_t number, const std::vector<uint64_t>& keys) {
    pb::AdoptRecordsRequest request;
    request.set_task_id(task.task_id());
    request.set_fence(task.fence());
    request.set_number(number);
    request.set_operation(static_cast<uint32_t>(Operation::kUpsert));
    request.set_records(static_cast<uint32_t>(keys.size()));
    request.set_keeps_identity(true);
    IntentWriter writer(*request.mutable_intents(), true);
    for (uint64_t key : keys)
      writer.Add({.key = {key, key}, .row = key + 1, .primary_key = key, .identity = "id"});
    grpc::ClientContext context;
    pb::AdoptRecordsResponse response;
    return extraction_->AdoptRecords(&context, request, &response);
  }

  // The task of the next run's read, which is cancelled again.
  pb::Task NextTask() {
    const pb::RunFacts run = CreateRun();
    pb::Task task = Lease();
    EXPECT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOP).ok());
    EXPECT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOPPED).ok());
    return task;
  }
  static uint64_t Entries(const pb::Task& task) {
    uint64_t entries = 0;
    for (const pb::Level& level : task.snapshot().levels()) {
      for (const pb::Segment& segment : level.segments()) entries += segment.entries();
    }
    return entries;
  }
};

TEST_F(LifeCycleTest, ADeletedSyncLeavesItsRowsToTheNextOfItsNameAndTarget) {
  DeliverAll({10, 20}, "\1\1"s);
  ASSERT_TRUE(Delete(v1::FATE_KEEP).ok());
  pb::CreateRunRequest request;
  request.set_sync("s");
  pb::CreateRunResponse response;
  EXPECT_EQ(TryCreateRun(request, response).error_code(), grpc::StatusCode::NOT_FOUND);
  StoreResources();
  EXPECT_EQ(Entries(NextTask()), 2u);
}

TEST_F(LifeCycleTest, RowsThatAreForgottenOrOfAnotherTargetDoNotComeBack) {
  DeliverAll({10, 20}, "\1\1"s);
  ASSERT_TRUE(Delete(v1::FATE_KEEP).ok());
  postgres_.Sql("UPDATE snapshots SET target = 'elsewhere'", "penstock");
  StoreResources();
  EXPECT_EQ(Entries(NextTask()), 0u);
  DeliverAll({10}, "\1"s);
  ASSERT_TRUE(Delete(v1::FATE_FORGET).ok());
  StoreResources();
  EXPECT_EQ(Entries(NextTask()), 0u);
}

TEST_F(LifeCycleTest, ARunOfADeletedSyncIsCancelledAndEndsWhenNothingIsInFlight) {
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  auto loader = NewLoader(1);
  ASSERT_TRUE(loader->Begin(task, 1, {10}).has_granted());
  ASSERT_TRUE(Delete(v1::FATE_KEEP).ok());
  EXPECT_EQ(Facts(run.run().id()).run().state(), v1::RUN_STATE_CANCELLING);
  EXPECT_FALSE(Move(run.run().id(), pb::RUN_EVENT_STOPPED).ok());
  ASSERT_TRUE(loader->Report(task, 1, 1, "\1"s, "\0"s).has_ack());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOPPED).ok());
  EXPECT_EQ(Facts(run.run().id()).run().state(), v1::RUN_STATE_CANCELLED);
  // What it delivered is among the rows that are kept.
  StoreResources();
  EXPECT_EQ(Entries(NextTask()), 1u);
}

TEST_F(LifeCycleTest, NothingOfAPausedSyncStartsButPlans) {
  ASSERT_TRUE(SetPaused(true).ok());
  pb::CreateRunRequest request;
  request.set_sync("s");
  pb::CreateRunResponse response;
  const grpc::Status refused = TryCreateRun(request, response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("penstock resume s"));
  EXPECT_EQ(CreateRun("", v1::RUN_TYPE_PLAN).run().type(), v1::RUN_TYPE_PLAN);
  ASSERT_TRUE(SetPaused(false).ok());
  EXPECT_TRUE(TryCreateRun(request, response).ok());
}

TEST_F(LifeCycleTest, ARunThatIsQueuedWaitsForTheEndOfThePause) {
  const pb::RunFacts first = CreateRun(), second = CreateRun();
  ASSERT_TRUE(SetPaused(true).ok());
  ASSERT_TRUE(Move(first.run().id(), pb::RUN_EVENT_STOP).ok());
  ASSERT_TRUE(Move(first.run().id(), pb::RUN_EVENT_STOPPED).ok());
  EXPECT_FALSE(Facts(second.run().id()).may_start());
  ASSERT_TRUE(SetPaused(false).ok());
  EXPECT_TRUE(Facts(second.run().id()).may_start());
}

TEST_F(LifeCycleTest, AFullResyncIsTheNextEpochOfTheSameRows) {
  DeliverAll({10, 20}, "\1\1"s);
  pb::CreateRunRequest request;
  request.set_sync("s");
  request.set_full_resync(true);
  pb::CreateRunResponse response;
  ASSERT_TRUE(TryCreateRun(request, response).ok());
  EXPECT_TRUE(response.facts().run().full_resync());
  const pb::Task task = Lease();
  EXPECT_EQ(task.snapshot().epoch(), 2u);
  EXPECT_EQ(Entries(task), 2u);
}

TEST_F(LifeCycleTest, ResetsTheRowsAsAskedAndNotDuringARun) {
  DeliverAll({10, 20}, "\1\1"s);
  const pb::RunFacts run = CreateRun();
  Lease();
  const grpc::Status refused = Reset(v1::RESET_RESEND);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr(run.run().id()));
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOP).ok());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOPPED).ok());

  ASSERT_TRUE(Reset(v1::RESET_RESEND).ok());
  pb::Task task = NextTask();
  EXPECT_EQ(task.snapshot().epoch(), 2u);
  EXPECT_EQ(task.snapshot().identity_fingerprint(), 0u);
  EXPECT_EQ(Entries(task), 2u);
  ASSERT_TRUE(Reset(v1::RESET_FORGET).ok());
  task = NextTask();
  EXPECT_EQ(task.snapshot().epoch(), 3u);
  EXPECT_EQ(Entries(task), 0u);
  EXPECT_FALSE(task.adopts());
}

TEST_F(LifeCycleTest, ABaselineIsAdoptedOnceAndARepeatChangesNothing) {
  DeliverAll({10}, "\1"s);
  ASSERT_TRUE(Reset(v1::RESET_BASELINE).ok());
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  EXPECT_TRUE(task.adopts());
  EXPECT_FALSE(Adopt(task, 1, {10, 20}).ok()) << "nobody has announced them";
  ASSERT_TRUE(Announce(task, 2, 3).ok());
  ASSERT_TRUE(Adopt(task, 1, {10, 20}).ok());
  ASSERT_TRUE(Adopt(task, 1, {10, 20}).ok());
  ASSERT_TRUE(Adopt(task, 2, {30}).ok());
  ASSERT_TRUE(EndRead(task, 2, 3, 3).ok());
  ASSERT_TRUE(Complete(task).ok());
  for (pb::RunEvent event : {pb::RUN_EVENT_FINALIZE, pb::RUN_EVENT_FINISH})
    ASSERT_TRUE(Move(run.run().id(), event).ok());
  const v1::Run done = Facts(run.run().id()).run();
  EXPECT_EQ(done.state(), v1::RUN_STATE_SUCCEEDED);
  ASSERT_EQ(done.operations_size(), 1);
  EXPECT_EQ(done.operations(0).changed(), 3);
  EXPECT_EQ(done.operations(0).unchanged_at_destination(), 3);
  const pb::Task next = NextTask();
  EXPECT_FALSE(next.adopts());
  EXPECT_EQ(Entries(next), 3u);
}

TEST_F(LifeCycleTest, AdoptedRecordsWithoutALeaseOrWithTornIntentsAreRefused) {
  ASSERT_TRUE(Reset(v1::RESET_BASELINE).ok());
  CreateRun();
  pb::Task task = Lease();
  pb::AdoptRecordsRequest torn;
  torn.set_task_id(task.task_id());
  torn.set_fence(task.fence());
  torn.set_number(1);
  torn.set_operation(1);
  torn.set_records(3);
  torn.set_intents("short");
  grpc::ClientContext context;
  pb::AdoptRecordsResponse response;
  EXPECT_EQ(extraction_->AdoptRecords(&context, torn, &response).error_code(),
            grpc::StatusCode::DATA_LOSS);
  task.set_fence(task.fence() + 1);
  EXPECT_EQ(Adopt(task, 1, {10}).error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(LifeCycleTest, ASyncThatRemovesItsRecordsIsDeletedWhenTheyAreGone) {
  DeliverAll({10}, "\1"s);
  ASSERT_TRUE(Delete(v1::FATE_REMOVE).ok());
  EXPECT_FALSE(SetPaused(false).ok());
  const pb::Task read = Lease();
  EXPECT_TRUE(read.removes_all());
  const std::string run = Uuid::FromRaw(read.run_id()).ToString();
  ASSERT_TRUE(EndRead(read, 0, 0, 0).ok());
  ASSERT_TRUE(Complete(read).ok());
  ASSERT_TRUE(Move(run, pb::RUN_EVENT_REMOVE).ok());
  const pb::Task removal = Lease();
  ASSERT_TRUE(Announce(removal, 1, 1, Operation::kRemove).ok());
  auto loader = NewLoader(1);
  ASSERT_TRUE(loader->Begin(removal, 1, {10}, Operation::kRemove).has_granted());
  ASSERT_TRUE(loader->Report(removal, 1, 1, "\1"s, "\0"s).has_ack());
  ASSERT_TRUE(Complete(removal).ok());
  for (pb::RunEvent event : {pb::RUN_EVENT_FINALIZE, pb::RUN_EVENT_FINISH})
    ASSERT_TRUE(Move(run, event).ok());
  EXPECT_EQ(Facts(run).run().state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(postgres_.Sql("SELECT count(*) FROM resources WHERE kind = 'Sync'", "penstock"), "0");
}

TEST_F(LifeCycleTest, ASyncWhoseRemovalWasCancelledStaysPaused) {
  DeliverAll({10}, "\1"s);
  ASSERT_TRUE(Delete(v1::FATE_REMOVE).ok());
  const std::string run = Uuid::FromRaw(Lease().run_id()).ToString();
  ASSERT_TRUE(Move(run, pb::RUN_EVENT_STOP).ok());
  ASSERT_TRUE(Move(run, pb::RUN_EVENT_STOPPED).ok());
  pb::ChangeSyncRequest look;
  look.set_sync("s");
  v1::SyncStatus status;
  ASSERT_TRUE(Change(look, status).ok());
  EXPECT_TRUE(status.paused());
  EXPECT_FALSE(status.deleting());
  EXPECT_EQ(status.delivered_rows(), 1);
}

}  // namespace
}  // namespace penstock::state

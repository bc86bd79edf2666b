#include <atomic>
#include <future>
#include <thread>

#include "services/common/model/snapshot.h"
#include "services/common/pg/pg_connection.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/state/state_fixture.h"

namespace penstock::state {
namespace {

using penstock::testing::WaitFor;
using std::string_literals::operator""s;

TEST_F(StateTest, ACleanRunSucceedsAndItsRecordsAreInTheNextSnapshot) {
  StoreResources();
  const pb::RunFacts done = DeliverAll({10, 20, 30}, "\1\1\2"s);
  EXPECT_EQ(done.run().state(), v1::RUN_STATE_SUCCEEDED);
  ASSERT_EQ(done.run().operations_size(), 1);
  const v1::OperationCounts& counts = done.run().operations(0);
  EXPECT_EQ(counts.changed(), 3);
  EXPECT_EQ(counts.delivered(), 2);
  EXPECT_EQ(counts.unchanged_at_destination(), 1);
  EXPECT_EQ(counts.pending(), 0);

  CreateRun();
  const pb::Task task = Lease();
  ASSERT_EQ(task.snapshot().levels_size(), 1);
  EXPECT_EQ(task.snapshot().levels(0).segments(0).entries(), 3u);
  EXPECT_EQ(task.snapshot().levels(0).segments(0).recipe(), 77u);
  EXPECT_EQ(task.snapshot().identity_fingerprint(), 88u);

  pb::ReadSegmentsRequest request;
  request.add_segment_ids(task.snapshot().levels(0).segments(0).id());
  grpc::ClientContext context;
  auto reader = extraction_->ReadSegments(&context, request);
  std::string bytes;
  for (pb::ReadSegmentsResponse piece; reader->Read(&piece);) bytes += piece.data();
  ASSERT_TRUE(reader->Finish().ok());
  const auto view = SegmentView::Open(bytes, /*verify_checksum=*/true);
  ASSERT_TRUE(view.ok()) << view.status();
  const auto at = view->Find({20, 20});
  ASSERT_TRUE(at.has_value());
  EXPECT_EQ(view->row(*at), 21u);
  EXPECT_FALSE(view->in_doubt(*at));
}

TEST_F(StateTest, ARejectedRecordMakesTheRunPartialIsListedAndDeferred) {
  StoreResources();
  const pb::RunFacts done = DeliverAll({10, 20}, "\1\4"s);
  EXPECT_EQ(done.run().state(), v1::RUN_STATE_PARTIAL);
  EXPECT_EQ(done.run().operations(0).rejected(), 1);

  grpc::ClientContext context;
  pb::ListRejectedRecordsRequest request;
  request.set_sync("s");
  pb::ListRejectedRecordsResponse rejected;
  ASSERT_TRUE(planning_->ListRejectedRecords(&context, request, &rejected).ok());
  ASSERT_EQ(rejected.records_size(), 1);
  EXPECT_EQ(rejected.records(0).code(), "DESTINATION_REJECTED");
  EXPECT_EQ(rejected.records(0).operation(), "upsert");

  CreateRun();
  const pb::Task task = Lease();
  EXPECT_EQ(task.snapshot().levels(0).segments(0).entries(), 1u);
  ASSERT_EQ(task.snapshot().deferrals_size(), 1);
  EXPECT_EQ(task.snapshot().deferrals(0).segments(0).entries(), 1u);
}

TEST_F(StateTest, OneSyncOfATargetMayRemoveEvenWhenTwoAppliesDoNotSeeEachOther) {
  StoreResources();
  pb::StoreResourcesRequest request;
  v1::Sync& sync = *request.add_resources()->mutable_sync();
  sync.mutable_metadata()->set_name("s2");
  sync.set_model("m");
  sync.set_destination("d");
  sync.set_object("o");
  sync.set_mode(v1::MODE_MIRROR);
  pb::SyncTarget& target = (*request.mutable_targets())["s2"];
  target.set_target("d/o");
  target.set_keeps_identity(true);
  target.set_account("d");
  grpc::ClientContext first, second;
  pb::StoreResourcesResponse response;
  const grpc::Status refused = planning_->StoreResources(&first, request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << refused.error_message();
  EXPECT_NE(refused.error_message().find("would both remove"), std::string::npos);

  target.set_target("d/other");
  const grpc::Status stored = planning_->StoreResources(&second, request, &response);
  EXPECT_TRUE(stored.ok()) << stored.error_message();
}

TEST_F(StateTest, TriggersWhileARunIsActiveShareTheOneThatWaits) {
  StoreResources();
  const pb::RunFacts active = CreateRun("a");
  EXPECT_EQ(active.run().state(), v1::RUN_STATE_RUNNING);
  const pb::RunFacts waiting = CreateRun("b");
  EXPECT_EQ(waiting.run().state(), v1::RUN_STATE_QUEUED);
  EXPECT_EQ(CreateRun("c").run().id(), waiting.run().id());
  EXPECT_EQ(CreateRun("a").run().id(), active.run().id())
      << "a repeat of a request gets the same run";

  pb::CreateRunRequest other;
  other.set_sync("s");
  other.set_request_id("a");
  other.set_type(v1::RUN_TYPE_PLAN);
  pb::CreateRunResponse response;
  EXPECT_EQ(TryCreateRun(other, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StateTest, GrantsAreRefusedToOthersAndToWhatNobodyAnnounced) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  auto first = NewLoader(1), second = NewLoader(2);
  EXPECT_EQ(first->Begin(task, 2, {5}).refused().reason(), pb::Refused::REASON_STALE)
      << "not announced";
  const pb::DeliverResponse granted = first->Begin(task, 1, {5});
  ASSERT_TRUE(granted.has_granted());
  EXPECT_EQ(second->Begin(task, 1, {5}).refused().reason(), pb::Refused::REASON_BUSY);
  const pb::DeliverResponse extended = first->Begin(task, 1, {5});
  EXPECT_EQ(extended.granted().grant_no(), granted.granted().grant_no())
      << "the same loader extends its grant";

  EXPECT_FALSE(Move(run.run().id(), pb::RUN_EVENT_NEW_READ).ok())
      << "no new read while a grant is open";
  ASSERT_TRUE(first->Release(task, 1, granted.granted().grant_no()).has_ack());
  EXPECT_EQ(Facts(run.run().id()).open_grants(), 0);
  ASSERT_TRUE(second->Begin(task, 1, {5}).has_granted());
  ASSERT_TRUE(second->Report(task, 1, 1, "\1"s, "\0"s).has_ack());
  EXPECT_EQ(first->Begin(task, 1, {5}).refused().reason(), pb::Refused::REASON_SETTLED);
}

TEST_F(StateTest, ARequestThatCantBeStoredHoldsUpNobodyElse) {
  StoreResources();
  CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 2, 2).ok());
  auto bad = NewLoader(1), good = NewLoader(2);
  const pb::DeliverResponse granted =
      bad->Begin(task, 1, {5}, Operation::kUpsert, /*length_ms=*/60'000);
  ASSERT_TRUE(granted.has_granted());
  std::atomic<bool> over = false;
  std::thread again([&] {
    // A report of two records for a batch of one.
    while (!over)
      EXPECT_TRUE(
          bad->Report(task, 1, granted.granted().grant_no(), "\1\1"s, "\0"s).has_unavailable());
  });
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(good->Begin(task, 2, {6}).has_granted()) << i;
  over = true;
  again.join();
}

TEST_F(StateTest, AGrantWhoseLoaderIsSilentEndsInDoubtAndItsLateReportChangesNothing) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 2).ok());
  auto silent = NewLoader(1), next = NewLoader(2);
  const pb::DeliverResponse granted = silent->Begin(task, 1, {5, 6}, Operation::kUpsert, 200);
  ASSERT_TRUE(granted.has_granted());
  ASSERT_TRUE(WaitFor([&] { return Facts(run.run().id()).open_grants() == 0; }));
  EXPECT_EQ(silent->Report(task, 1, 1, "\1\1"s, "\0"s).refused().reason(),
            pb::Refused::REASON_GRANT_OVER);
  const pb::DeliverResponse again = next->Begin(task, 1, {5, 6});
  ASSERT_TRUE(again.has_granted());
  EXPECT_EQ(again.granted().grant_no(), 2u);
  EXPECT_EQ(again.granted().lost_grants(), 1u);
  EXPECT_EQ(again.granted().unanswered(), "\3"s)
      << "what the silent loader may have sent is in doubt";
  ASSERT_TRUE(next->Report(task, 1, 2, "\1\1"s, "\0"s).has_ack());
  EXPECT_EQ(Facts(run.run().id()).open_grants(), 0)
      << "all attempts under this grant were answered; the silent one's are over with its own";
}

TEST_F(StateTest, AnExtendedGrantStaysOpenForWhatItsOtherDeliveryLeftUnanswered) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 2).ok());
  auto loader = NewLoader(1);
  ASSERT_TRUE(loader->Begin(task, 1, {5, 6}).has_granted());
  ASSERT_TRUE(loader->Report(task, 1, 1, "\0\0"s, "\3"s).has_ack());
  ASSERT_TRUE(loader->Begin(task, 1, {5, 6}).has_granted());
  ASSERT_TRUE(loader->Report(task, 1, 1, "\1\1"s, "\0"s).has_ack());
  EXPECT_EQ(Facts(run.run().id()).open_grants(), 1);
}

TEST_F(StateTest, AnUnansweredAttemptKeepsItsGrantOpenToItsEnd) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  auto loader = NewLoader(1);
  ASSERT_TRUE(loader->Begin(task, 1, {5}).has_granted());
  ASSERT_TRUE(loader->Report(task, 1, 1, "\1"s, "\1"s).has_ack());
  EXPECT_EQ(Facts(run.run().id()).open_grants(), 1);
  EXPECT_EQ(Facts(run.run().id()).pending(), 0);
  ASSERT_TRUE(WaitFor([&] { return Facts(run.run().id()).open_grants() == 0; }));
}

TEST_F(StateTest, ALostExtractorIsNoticedAndTheNextReadKeepsWhatWasConfirmed) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 3, 6).ok());
  auto loader = NewLoader(1);
  const auto first = loader->Begin(task, 1, {10, 11});
  ASSERT_TRUE(loader->Report(task, 1, first.granted().grant_no(), "\1\1"s, "\0"s).has_ack());
  ASSERT_TRUE(WaitFor([&] { return Facts(run.run().id()).task_lost(); }));
  const grpc::Status moved = Move(run.run().id(), pb::RUN_EVENT_NEW_READ);
  ASSERT_TRUE(moved.ok()) << moved.error_message();
  const pb::RunFacts facts = Facts(run.run().id());
  EXPECT_EQ(facts.read(), 2u);
  EXPECT_EQ(facts.pending(), 0);
  const v1::OperationCounts& counts = facts.run().operations(0);
  EXPECT_EQ(counts.delivered(), 2);
  EXPECT_EQ(counts.withdrawn(), 4);
  EXPECT_EQ(loader->Begin(task, 2, {12, 13}).refused().reason(), pb::Refused::REASON_STALE);
  const pb::Task again = Lease();
  EXPECT_EQ(again.read(), 2u);
  ASSERT_EQ(again.snapshot().levels_size(), 1);
  EXPECT_EQ(again.snapshot().levels(0).segments(0).entries(), 2u);
  EXPECT_EQ(Announce(task, 4, 8).error_code(), grpc::StatusCode::ABORTED)
      << "the old owner's fence is outdated";
}

TEST_F(StateTest, AReadThatSettledARecordEndsTheRowOfFruitlessOnes) {
  StoreResources();
  const std::string run = CreateRun().run().id();
  Lease();
  ASSERT_TRUE(Move(run, pb::RUN_EVENT_NEW_READ).ok());
  EXPECT_EQ(Facts(run).fruitless_reads(), 1);
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  auto loader = NewLoader(1);
  ASSERT_TRUE(loader->Begin(task, 1, {5}).has_granted());
  EXPECT_EQ(Facts(run).fruitless_reads(), 1);
  ASSERT_TRUE(loader->Report(task, 1, 1, "\1"s, "\0"s).has_ack());
  EXPECT_EQ(Facts(run).fruitless_reads(), 0);
}

TEST_F(StateTest, ACancelledRunWithdrawsWhatNeverBegan) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 10, 20).ok());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOP).ok());
  auto loader = NewLoader(1);
  EXPECT_EQ(loader->Begin(task, 1, {1, 2}).refused().reason(), pb::Refused::REASON_INACTIVE);
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOPPED).ok());
  const pb::RunFacts done = Facts(run.run().id());
  EXPECT_EQ(done.run().state(), v1::RUN_STATE_CANCELLED);
  EXPECT_EQ(done.run().operations(0).withdrawn(), 20);
  EXPECT_EQ(done.run().operations(0).pending(), 0);
}

TEST_F(StateTest, AHeartbeatThatTheEndOfItsReadOvertookTakesNothingBack) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  ASSERT_TRUE(EndRead(task, 2, 3, 3).ok());
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  EXPECT_EQ(Facts(run.run().id()).pending(), 3);
  EXPECT_TRUE(NewLoader(1)->Begin(task, 2, {5, 6}).has_granted());
}

TEST_F(StateTest, ARunThatIsBeingMovedHoldsUpNoOtherRunsGrants) {
  StoreResources();
  DeliverAll({1}, "\1"s);
  const std::string over = CreateRun().run().id();
  const pb::Task old_task = Lease();
  ASSERT_TRUE(Announce(old_task, 3, 3).ok());
  ASSERT_TRUE(Move(over, pb::RUN_EVENT_STOP).ok());
  ASSERT_TRUE(Move(over, pb::RUN_EVENT_STOPPED).ok());
  CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());

  // As a transition that takes long: it holds the row of its run.
  auto mover = PgConnection::Connect(postgres_.Dsn("penstock"));
  ASSERT_TRUE(mover.ok());
  ASSERT_TRUE(
      (*mover)->ExecScript("BEGIN; SELECT FROM runs WHERE id = '" + over + "' FOR UPDATE").ok());
  std::vector<std::future<pb::DeliverResponse>> held;
  for (uint32_t number = 1; number <= 3; ++number) {
    held.push_back(std::async(std::launch::async, [&, number] {
      return NewLoader(number)->Begin(old_task, number, {number});
    }));
  }
  ASSERT_TRUE(WaitFor([&] {
    return postgres_.Sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") !=
           "0";
  }));
  EXPECT_TRUE(NewLoader(9)->Begin(task, 1, {5}).has_granted());
  ASSERT_TRUE((*mover)->ExecScript("ROLLBACK").ok());
  for (auto& answer : held) EXPECT_EQ(answer.get().refused().reason(), pb::Refused::REASON_STALE);
}

TEST_F(StateTest, AnotherIdentityIsRefused) {
  StoreResources();
  DeliverAll({10}, "\1"s);
  CreateRun();
  const pb::Task task = Lease();
  pb::HeartbeatRequest request;
  request.set_task_id(task.task_id());
  request.set_fence(task.fence());
  request.mutable_announced()->set_identity_fingerprint(99);
  grpc::ClientContext context;
  pb::HeartbeatResponse response;
  const grpc::Status status = extraction_->Heartbeat(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("reset"));
}

TEST_F(StateTest, RemovalsLeaveTombstonesAndManyRunsAreMerged) {
  StoreResources();
  DeliverAll({10, 20, 30}, "\1\1\1"s);
  const pb::RunFacts run = CreateRun();
  const pb::Task read = Lease();
  ASSERT_TRUE(EndRead(read, 0, 0, 2).ok());
  ASSERT_TRUE(Complete(read).ok());
  EXPECT_TRUE(Facts(run.run().id()).may_remove());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_REMOVE).ok());
  const pb::Task removal = Lease();
  EXPECT_EQ(removal.kind(), pb::TASK_KIND_REMOVE);
  ASSERT_TRUE(Announce(removal, 1, 1, Operation::kRemove).ok());
  auto loader = NewLoader(1);
  const auto granted = loader->Begin(removal, 1, {20}, Operation::kRemove);
  ASSERT_TRUE(granted.has_granted());
  ASSERT_TRUE(loader->Report(removal, 1, 1, "\1"s, "\0"s).has_ack());
  ASSERT_TRUE(Complete(removal).ok());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_FINALIZE).ok());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_FINISH).ok());
  EXPECT_EQ(Facts(run.run().id()).run().state(), v1::RUN_STATE_SUCCEEDED);
  // The base and the level above it become one, without the tombstone.
  ASSERT_TRUE(WaitFor(
      [&] {
        return postgres_.Sql("SELECT string_agg(entries::text, ',') FROM segments WHERE kind = 1",
                             "penstock") == "2";
      },
      std::chrono::seconds(30)));
}

TEST_F(StateTest, AMergeKeepsWhatManifestsNameAndNothingElse) {
  StoreResources();
  DeliverAll({10, 20, 30}, "\1\1\1"s);
  DeliverAll({40}, "\4"s);  // a deferral
  DeliverAll({50}, "\1"s);
  DeliverAll({60}, "\1"s);
  const auto query = [&](const char* sql) { return postgres_.Sql(sql, "penstock"); };
  ASSERT_TRUE(WaitFor(
      [&] {
        return query(
                   "SELECT jsonb_array_length(m.levels) FROM manifests m "
                   "JOIN snapshots p ON p.manifest = m.id") == "1";
      },
      std::chrono::seconds(30)));
  EXPECT_EQ(query("SELECT string_agg(kind || ':' || entries, ' ' ORDER BY kind) FROM segments"),
            "1:5 2:1");
  EXPECT_EQ(query("SELECT count(*) FROM manifests m, "
                  "jsonb_array_elements(m.levels || m.deferrals) AS l (level), "
                  "jsonb_array_elements(l.level) AS e (segment) "
                  "JOIN segments s ON s.id = e.segment::bigint"),
            "2");
}

TEST_F(StateTest, ItGoesOnAfterItWasKilledAndItsDatabaseRestarted) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  const pb::Task task = Lease();
  ASSERT_TRUE(Announce(task, 1, 1).ok());
  ASSERT_TRUE(NewLoader(1)->Begin(task, 1, {5}).has_granted());
  state_->Kill();
  postgres_.Restart();
  StartState();
  ASSERT_TRUE(WaitFor([&] {
    grpc::ClientContext context;
    pb::GetRunRequest request;
    request.set_run_id(run.run().id());
    pb::GetRunResponse response;
    return planning_->GetRun(&context, request, &response).ok();
  }));
  auto loader = NewLoader(1);
  const pb::DeliverResponse granted = loader->Begin(task, 1, {5});
  ASSERT_TRUE(granted.has_granted());
  EXPECT_TRUE(loader->Report(task, 1, granted.granted().grant_no(), "\1"s, "\0"s).has_ack());
}

TEST_F(StateTest, WatchersSeeARunUntilItEnds) {
  StoreResources();
  const pb::RunFacts run = CreateRun();
  grpc::ClientContext context;
  pb::WatchRunsRequest request;
  request.set_run_id(run.run().id());
  auto reader = planning_->WatchRuns(&context, request);
  pb::WatchRunsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  EXPECT_EQ(message.facts().run().state(), v1::RUN_STATE_RUNNING);
  const int64_t revision = message.facts().run().revision();
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOP).ok());
  ASSERT_TRUE(Move(run.run().id(), pb::RUN_EVENT_STOPPED).ok());
  while (reader->Read(&message)) EXPECT_GT(message.facts().run().revision(), revision);
  EXPECT_EQ(message.facts().run().state(), v1::RUN_STATE_CANCELLED);
  EXPECT_TRUE(reader->Finish().ok());
}

}  // namespace
}  // namespace penstock::state

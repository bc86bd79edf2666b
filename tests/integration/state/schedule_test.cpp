#include <functional>
#include <thread>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/common/rpc/rpc_status.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/state/state_fixture.h"

namespace penstock::state {
namespace {

using penstock::testing::WaitFor;
using std::string_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Due times are moved into the past in state's database, since no test waits for a minute.
class ScheduleTest : public StateTest {
 protected:
  ScheduleTest() : database_(*PgConnection::Connect(postgres_.Dsn("penstock"))) {
    StoreResources();
  }

  using Change = std::function<void(v1::Sync&)>;
  static v1::Sync NewSync(const std::string& name, const Change& change) {
    v1::Sync sync;
    sync.mutable_metadata()->set_name(name);
    sync.set_model("m");
    sync.set_destination("d");
    sync.set_object(name);
    sync.set_mode(v1::MODE_UPSERT);
    sync.mutable_delivery()->set_give_up_after_ms(86'400'000);
    change(sync);
    return sync;
  }
  // Stores Syncs that write to objects of their own.
  void Apply(const std::vector<v1::Sync>& syncs) {
    pb::StoreResourcesRequest request;
    for (const v1::Sync& sync : syncs) {
      *request.add_resources()->mutable_sync() = sync;
      pb::SyncTarget& target = (*request.mutable_targets())[sync.metadata().name()];
      target.set_target("d/" + sync.metadata().name());
      target.set_account("d");
    }
    grpc::ClientContext context;
    pb::StoreResourcesResponse response;
    const grpc::Status status = planning_->StoreResources(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  void Apply(const std::string& name, const Change& change) { Apply({NewSync(name, change)}); }

  static Change Cron(const std::string& cron, const std::string& timezone = "Europe/Berlin") {
    return [=](v1::Sync& sync) {
      sync.mutable_schedule()->mutable_cron()->set_cron(cron);
      sync.mutable_schedule()->mutable_cron()->set_timezone(timezone);
    };
  }
  static Change After(const std::vector<std::string>& parents, bool accept_partial = false) {
    return [=](v1::Sync& sync) {
      v1::AfterSchedule& after = *sync.mutable_schedule()->mutable_after();
      after.mutable_syncs()->Assign(parents.begin(), parents.end());
      after.set_accept_partial(accept_partial);
    };
  }
  static void ByHand(v1::Sync&) {}

  // The Syncs of the runs that a claim has created.
  std::vector<std::string> Claim(int limit = 100) {
    pb::ClaimDueRequest request;
    request.set_limit(limit);
    grpc::ClientContext context;
    pb::ClaimDueResponse response;
    const grpc::Status status = planning_->ClaimDue(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> syncs;
    for (const pb::RunFacts& facts : response.facts()) {
      syncs.push_back(facts.run().sync());
      claimed_ = facts;
    }
    return syncs;
  }

  std::string Sql(const std::string& sql) {
    const absl::StatusOr<PgResult> result = database_->Exec(sql, {});
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok() || result->empty() || result->IsNull(0, 0)) return "";
    return std::string(result->Text(0, 0));
  }
  void MakeDue(const std::string& name, const std::string& ago = "1 second") {
    Sql(fmt::format("UPDATE syncs SET next_due = now() - interval '{}' WHERE name = '{}'", ago,
                    name));
  }
  std::string NextDue(const std::string& name) {
    return Sql(fmt::format("SELECT next_due::text FROM syncs WHERE name = '{}'", name));
  }

  std::vector<v1::Run> Skipped() {
    pb::ListRunsRequest request;
    request.add_states(v1::RUN_STATE_SKIPPED);
    grpc::ClientContext context;
    pb::ListRunsResponse response;
    EXPECT_TRUE(planning_->ListRuns(&context, request, &response).ok());
    return {response.runs().begin(), response.runs().end()};
  }

  std::unique_ptr<PgConnection> database_;
  pb::RunFacts claimed_;  // the last run that a claim has created
};

TEST_F(ScheduleTest, ACronIsDueAtItsNextTimeAndHoweverManyWereMissedIsCaughtUpOnce) {
  Apply("c", Cron("@yearly"));
  const char* next_year =
      "SELECT (next_due > now())::text || to_char(next_due AT TIME ZONE 'Europe/Berlin', "
      "' MM-DD HH24:MI') FROM syncs WHERE name = 'c'";
  EXPECT_EQ(Sql(next_year), "true 01-01 00:00");
  EXPECT_THAT(Claim(), IsEmpty());

  MakeDue("c", "3 years");
  const std::string missed =
      Sql("SELECT floor(extract(epoch FROM next_due))::bigint::text FROM syncs "
          "WHERE name = 'c'");
  EXPECT_THAT(Claim(), ElementsAre("c"));
  EXPECT_EQ(claimed_.run().trigger(), "schedule");
  EXPECT_EQ(claimed_.run().state(), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(std::to_string(claimed_.run().schedule_time().seconds()), missed);
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_EQ(Sql(next_year), "true 01-01 00:00");
}

TEST_F(ScheduleTest, ManyCallersStartEachDueTimeOnce) {
  constexpr int kSyncs = 60;
  std::vector<v1::Sync> syncs;
  for (int i = 0; i < kSyncs; ++i) syncs.push_back(NewSync(fmt::format("c{}", i), Cron("@yearly")));
  for (int i = 0; i < kSyncs; ++i) syncs.push_back(NewSync(fmt::format("a{}", i), After({"s"})));
  Apply(syncs);
  ASSERT_EQ(DeliverAll({10}, "\1"s).run().state(), v1::RUN_STATE_SUCCEEDED);
  Sql("UPDATE syncs SET next_due = now() - interval '1 hour' WHERE next_due IS NOT NULL");
  std::vector<std::thread> planners;
  for (int i = 0; i < 8; ++i) {
    planners.emplace_back([this] {
      for (int round = 0; round < 40; ++round) {
        pb::ClaimDueRequest request;
        request.set_limit(7);
        grpc::ClientContext context;
        pb::ClaimDueResponse response;
        const grpc::Status status = planning_->ClaimDue(&context, request, &response);
        EXPECT_TRUE(status.ok()) << status.error_message();
      }
    });
  }
  for (std::thread& planner : planners) planner.join();
  EXPECT_EQ(Sql("SELECT string_agg(DISTINCT n::text, ',') FROM (SELECT count(*) AS n FROM runs "
                "WHERE trigger IN ('schedule', 'after') GROUP BY sync) AS counts"),
            "1");
  EXPECT_EQ(Sql("SELECT count(*)::text FROM runs WHERE trigger = 'schedule'"), "60");
  EXPECT_EQ(Sql("SELECT count(*)::text FROM runs WHERE trigger = 'after'"), "60");
}

TEST_F(ScheduleTest, ADueTimeThatMeetsAnActiveRunIsSkippedAndNamesIt) {
  Apply("c", Cron("@yearly"));
  const std::string active = CreateRun("", v1::RUN_TYPE_SYNC, "c").run().id();
  MakeDue("c");
  EXPECT_THAT(Claim(), ElementsAre("c"));
  ASSERT_EQ(Skipped().size(), 1u);
  const v1::Run skipped = Skipped()[0];
  EXPECT_EQ(skipped.id(), claimed_.run().id());
  EXPECT_TRUE(skipped.has_end_time());
  EXPECT_FALSE(skipped.has_start_time());
  EXPECT_EQ(skipped.error().code(), "RUN_ACTIVE");
  EXPECT_EQ(skipped.error().owner(), "user");
  EXPECT_EQ(skipped.error().message(),
            "run " + active +
                " was active at this due time; a longer interval avoids it, or overlap: queue, "
                "which lets one run wait");

  ASSERT_TRUE(Move(active, pb::RUN_EVENT_PARK).ok());
  ASSERT_TRUE(Move(active, pb::RUN_EVENT_PARKED).ok());
  MakeDue("c");
  EXPECT_THAT(Claim(), ElementsAre("c"));
  EXPECT_EQ(claimed_.run().error().message(),
            "run " + active + " was parked at this due time; `penstock runs c` says why");
}

TEST_F(ScheduleTest, ADueTimeMayQueueAndOneRunWaits) {
  Apply("c", [](v1::Sync& sync) {
    Cron("@yearly")(sync);
    sync.set_overlap(v1::OVERLAP_QUEUE);
  });
  CreateRun("", v1::RUN_TYPE_SYNC, "c");
  MakeDue("c");
  EXPECT_THAT(Claim(), ElementsAre("c"));
  EXPECT_EQ(claimed_.run().state(), v1::RUN_STATE_QUEUED);
  const std::string waiting = claimed_.run().id();
  MakeDue("c");
  EXPECT_THAT(Claim(), ElementsAre("c"));
  EXPECT_EQ(claimed_.run().state(), v1::RUN_STATE_SKIPPED);
  EXPECT_EQ(claimed_.run().error().message(),
            "run " + waiting +
                " was waiting at this due time; it reads the model anew, so nothing is missed");
}

TEST_F(ScheduleTest, AChangedScheduleIsDueAtItsNextTimeAndARemovedOneNever) {
  Apply("c", Cron("@yearly"));
  MakeDue("c");
  const std::string due = NextDue("c");
  Apply("c", [](v1::Sync& sync) {
    Cron("@yearly")(sync);
    sync.set_object("another");
  });
  EXPECT_EQ(NextDue("c"), due) << "the schedule is the same";

  Apply("c", Cron("@yearly", "Asia/Kathmandu"));
  EXPECT_EQ(Sql("SELECT (next_due > now())::text || to_char(next_due AT TIME ZONE "
                "'Asia/Kathmandu', ' MM-DD HH24:MI') FROM syncs WHERE name = 'c'"),
            "true 01-01 00:00");
  Apply("c", [](v1::Sync& sync) { sync.mutable_schedule()->set_every_ms(366 * 86'400'000LL); });
  EXPECT_EQ(Sql("SELECT (next_due > now())::text || ' ' || (extract(epoch FROM next_due)::bigint % "
                "(366 * 86400))::text FROM syncs WHERE name = 'c'"),
            "true 0");
  MakeDue("c");
  Apply("c", ByHand);
  EXPECT_EQ(NextDue("c"), "");
  EXPECT_THAT(Claim(), IsEmpty());
}

TEST_F(ScheduleTest, AZoneThatIsGoneIsToldByASkippedRunAndHoldsUpNobodyElse) {
  Apply({NewSync("c", Cron("@yearly")), NewSync("fine", Cron("@yearly"))});
  Sql("UPDATE syncs SET timezone = 'Nowhere/Land' WHERE name = 'c'");
  MakeDue("c", "2 hours");
  MakeDue("fine");
  EXPECT_THAT(Claim(), ElementsAre("c", "fine"));
  EXPECT_EQ(claimed_.run().state(), v1::RUN_STATE_RUNNING);
  ASSERT_EQ(Skipped().size(), 1u);
  EXPECT_EQ(Skipped()[0].error().code(), "INVALID_RESOURCE");
  EXPECT_THAT(Skipped()[0].error().message(),
              HasSubstr("spec.schedule has no due time: there is no time zone \"Nowhere/Land\""));
  EXPECT_THAT(Claim(), IsEmpty()) << "it is asked again in an hour";
}

TEST_F(ScheduleTest, ASyncStartsWhenEachParentHasSucceededSinceItLastDid) {
  Apply({NewSync("a", ByHand), NewSync("b", ByHand)});
  DeliverAll({10}, "\1"s, "a");
  DeliverAll({10}, "\1"s, "b");
  Apply("child", After({"a", "b"}));
  EXPECT_THAT(Claim(), IsEmpty()) << "an apply starts nothing";

  DeliverAll({10}, "\1"s, "a");
  EXPECT_THAT(Claim(), IsEmpty()) << "b is missing";
  DeliverAll({10}, "\1"s, "a");
  EXPECT_THAT(Claim(), IsEmpty());
  DeliverAll({10}, "\1"s, "b");
  EXPECT_THAT(Claim(), ElementsAre("child"));
  EXPECT_EQ(claimed_.run().trigger(), "after");
  EXPECT_EQ(claimed_.run().state(), v1::RUN_STATE_RUNNING);
  EXPECT_THAT(Claim(), IsEmpty());
  Deliver(claimed_.run().id(), {10}, "\1"s);

  DeliverAll({10}, "\1"s, "b");
  EXPECT_THAT(Claim(), IsEmpty()) << "now a is";
  DeliverAll({10}, "\1"s, "a");
  EXPECT_THAT(Claim(), ElementsAre("child"));
}

TEST_F(ScheduleTest, PartialIsSuccessEnoughForThoseWhoAcceptIt) {
  Apply({NewSync("a", ByHand), NewSync("strict", After({"a"})),
         NewSync("lenient", After({"a"}, /*accept_partial=*/true))});
  EXPECT_EQ(DeliverAll({10}, "\4"s, "a").run().state(), v1::RUN_STATE_PARTIAL);
  EXPECT_THAT(Claim(), ElementsAre("lenient"));
  Deliver(claimed_.run().id(), {10}, "\1"s);
  const std::string failed = CreateRun("", v1::RUN_TYPE_SYNC, "a").run().id();
  ASSERT_TRUE(Move(failed, pb::RUN_EVENT_STOP).ok());
  ASSERT_TRUE(Move(failed, pb::RUN_EVENT_STOPPED).ok());
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_EQ(DeliverAll({20}, "\1"s, "a").run().state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_THAT(Claim(), ElementsAre("lenient", "strict"));
}

TEST_F(ScheduleTest, WhatComesAfterWaitsForItsOwnActiveRunAndIsNotLost) {
  Apply({NewSync("a", ByHand), NewSync("child", After({"a"}))});
  DeliverAll({10}, "\1"s, "a");
  const std::string active = CreateRun("", v1::RUN_TYPE_SYNC, "child").run().id();
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_THAT(Skipped(), IsEmpty());
  state_->Kill();
  StartState();
  ASSERT_TRUE(WaitFor([&] {
    grpc::ClientContext context;
    pb::GetRunRequest request;
    request.set_run_id(active);
    pb::GetRunResponse response;
    return planning_->GetRun(&context, request, &response).ok();
  }));
  Deliver(active, {10}, "\1"s);
  EXPECT_THAT(Claim(), ElementsAre("child"));
  EXPECT_THAT(Claim(), IsEmpty());
}

TEST_F(ScheduleTest, AParentKeepsWhatItHasDoneUnderANewName) {
  Apply({NewSync("a", ByHand), NewSync("b", ByHand), NewSync("child", After({"a", "b"}))});
  DeliverAll({10}, "\1"s, "a");
  v1::Sync renamed = NewSync("z", ByHand);
  renamed.mutable_metadata()->set_renamed_from("a");
  Apply({NewSync("child", After({"z", "b"})), renamed});
  DeliverAll({10}, "\1"s, "b");
  EXPECT_THAT(Claim(), ElementsAre("child"));
}

TEST_F(ScheduleTest, ResourcesSayWhenTheyAreDueAndWhatTheyWaitFor) {
  Apply({NewSync("a", ByHand), NewSync("b", ByHand), NewSync("c", Cron("@yearly")),
         NewSync("child", After({"a", "b"}))});
  const auto due = [&](const std::string& name) {
    pb::ListResourcesRequest request;
    request.set_kind("Sync");
    request.set_name(name);
    grpc::ClientContext context;
    pb::ListResourcesResponse response;
    EXPECT_TRUE(planning_->ListResources(&context, request, &response).ok());
    return response.resources(0).due();
  };
  EXPECT_FALSE(due("a").has_next());
  EXPECT_FALSE(due("c").has_last());
  EXPECT_EQ(std::to_string(due("c").next().seconds()),
            Sql("SELECT extract(epoch FROM next_due)::bigint::text FROM syncs WHERE name = 'c'"));
  MakeDue("c", "3 days");
  EXPECT_THAT(Claim(), ElementsAre("c"));
  EXPECT_EQ(due("c").last().seconds(), claimed_.run().schedule_time().seconds());
  Deliver(claimed_.run().id(), {10}, "\1"s);

  EXPECT_THAT(due("child").waits_for(), ElementsAre("a", "b"));
  DeliverAll({10}, "\1"s, "a");
  EXPECT_THAT(due("child").waits_for(), ElementsAre("b"));
}

TEST_F(ScheduleTest, ATriggerMayBeRefusedWhileARunIsActive) {
  const std::string active = CreateRun("first").run().id();
  pb::CreateRunRequest request;
  request.set_sync("s");
  request.set_request_id("second");
  request.set_only_if_idle(true);
  pb::CreateRunResponse response;
  const grpc::Status refused = TryCreateRun(request, response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(refused.error_message(), "run " + active +
                                         " of Sync \"s\" has not ended; wait for it, or trigger "
                                         "with overlap: queue");
  const absl::Status status = FromGrpc(refused, ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_EQ(CodeOf(status), ErrorCode::kRUN_ACTIVE);
  EXPECT_EQ(MetadataOf(status, "run_id"), active);

  Deliver(active, {10}, "\1"s);
  ASSERT_TRUE(TryCreateRun(request, response).ok());
  const std::string second = response.facts().run().id();
  EXPECT_EQ(response.facts().run().state(), v1::RUN_STATE_RUNNING);
  ASSERT_TRUE(TryCreateRun(request, response).ok()) << "a repeat of the request gets its run";
  EXPECT_EQ(response.facts().run().id(), second);
}

}  // namespace
}  // namespace penstock::state

#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/kinds.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_text.h"
#include "cli/violations.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock::cli {
namespace {

using testing::ElementsAre;

v1::Run RunningRun(int64_t read, int64_t changed, int64_t pending, bool whole) {
  v1::Run run;
  run.set_id("0190");
  run.set_sync("customers-to-crm");
  run.set_state(v1::RUN_STATE_RUNNING);
  run.set_phase(whole ? v1::RUN_PHASE_DELIVERING : v1::RUN_PHASE_READING);
  run.mutable_rows()->set_rows_read(read);
  run.mutable_rows()->set_changed(changed);
  run.mutable_rows()->set_whole(whole);
  v1::OperationCounts& counts = *run.add_operations();
  counts.set_operation("upsert");
  counts.set_changed(changed);
  counts.set_pending(pending);
  counts.set_delivered(changed - pending);
  return run;
}

TEST(Output, AlignsColumnsByWhatIsSeen) {
  EXPECT_EQ(Table({{"NAME", "WHY"}, {"größe", "x"}, {"a", ""}}), "NAME   WHY\ngröße  x\na\n");
}

TEST(Output, CutsTheWidestColumnsOfATableThatIsTooWide) {
  const TableRows rows = {{"NAME", "WHY", "N"}, {"customers-to-crm", "größer als erlaubt", "12"}};
  EXPECT_EQ(Table(rows, 40),
            "NAME              WHY                 N\n"
            "customers-to-crm  größer als erlaubt  12\n");
  EXPECT_EQ(Table(rows, 34),
            "NAME              WHY           N\n"
            "customers-to-crm  größer als …  12\n");
  // Names are copied, and what is left must say something.
  EXPECT_EQ(Table(rows, 3),
            "NAME              WHY       N\n"
            "customers-to-crm  größer …  12\n");
}

TEST(Output, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Visible("a\x1b[31mred\u202Eknil\u0085\nb ü"), "a\\u001b[31mred\\u202eknil\\u0085\nb ü");
  EXPECT_EQ(Visible("\xFF"), "\uFFFD");
  EXPECT_EQ(Table({{"NAME"}, {"a\x1b[2J\nb"}}), "NAME\na\\u001b[2J b\n");
}

TEST(Output, GroupsDigits) {
  EXPECT_EQ(Thousands(0), "0");
  EXPECT_EQ(Thousands(999), "999");
  EXPECT_EQ(Thousands(1000), "1,000");
  EXPECT_EQ(Thousands(-1234567), "-1,234,567");
}

TEST(Output, SpreadsJsonWithoutTouchingItsTexts) {
  EXPECT_EQ(PrettyJson(R"({"a":"{,:\"","b":[],"c":[1,2]})"),
            "{\n  \"a\": \"{,:\\\"\",\n  \"b\": [],\n  \"c\": [\n    1,\n    2\n  ]\n}\n");
}

TEST(Output, NamesTheFormatsItKnows) {
  EXPECT_EQ(FormatByName("yaml").value(), Format::kYaml);
  EXPECT_EQ(Std(FormatByName("jsn").status().message()),
            "\"jsn\" is not one of table, json, yaml, name (did you mean \"json\"?)");
}

TEST(Kinds, TakesSingularPluralAndCapitals) {
  EXPECT_EQ(KindByName("syncs").value(), "Sync");
  EXPECT_EQ(KindByName("Destination").value(), "Destination");
  EXPECT_EQ(ExitCodeOf(KindByName("synk").status()), ExitCode::kUsage);
}

TEST(ExitCodes, AreThoseOfTheDocumentation) {
  EXPECT_EQ(ExitCodeOf(v1::RUN_STATE_SUCCEEDED), ExitCode::kDone);
  EXPECT_EQ(ExitCodeOf(v1::RUN_STATE_PARTIAL), ExitCode::kPartial);
  EXPECT_EQ(ExitCodeOf(v1::RUN_STATE_FAILED), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(v1::RUN_STATE_CANCELLED), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(Error(ErrorCode::kSTATE_UNAVAILABLE, "")), ExitCode::kUnavailable);
  EXPECT_EQ(ExitCodeOf(Error(ErrorCode::kRESOURCE_NOT_FOUND, "")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(Error(ErrorCode::kINVALID_RESOURCE, "")), ExitCode::kUsage);
}

TEST(Progress, ShowsRowsWhileTheTotalIsUnknown) {
  EXPECT_EQ(ProgressLine().Update(RunningRun(45000, 12000, 12000, false), SteadyTime()),
            "reading  45,000 rows");
}

TEST(Progress, ShowsThePartOfAnExpectedModelThatWasRead) {
  v1::Run run = RunningRun(50000, 10, 10, false);
  run.set_expected_rows(100000);
  EXPECT_EQ(ProgressLine().Update(run, SteadyTime()),
            "reading [############------------]  50 %  50,000 rows");
}

TEST(Progress, ShowsRateAndTimeLeftWhileDelivering) {
  ProgressLine line;
  const SteadyTime start{};
  line.Update(RunningRun(100000, 100000, 90000, true), start);
  EXPECT_EQ(line.Update(RunningRun(100000, 100000, 50000, true), start + std::chrono::seconds(4)),
            "delivering [############------------]  50 %  50,000 of 100,000  10,000/s  5s left");
}

TEST(RunText, LeavesOutCountsOfNothing) {
  v1::Run run = RunningRun(1000, 600, 0, true);
  run.mutable_rows()->set_unchanged(400);
  EXPECT_EQ(RowsText(run.rows()), "1,000 rows read: 400 unchanged, 600 changed");
  EXPECT_EQ(OperationText(run.operations(0)), "upsert 600: 600 delivered");
}

TEST(RunText, SaysWhoMustActOnAnError) {
  v1::Run run = RunningRun(0, 0, 0, false);
  run.set_state(v1::RUN_STATE_FAILED);
  run.mutable_error()->set_code("MODEL_EMPTY");
  run.mutable_error()->set_message("the model has no rows");
  run.mutable_error()->set_owner("user");
  EXPECT_EQ(RunSummary(run),
            "FAILED customers-to-crm (run 0190)\n  0 rows read: none\n"
            "  error: the model has no rows (MODEL_EMPTY, user must act)\n");
}

TEST(Violations, AreToldByTheLineOfTheNearestField) {
  ResourcePlaces places;
  places.Add("Sync", "s", "", {"syncs/crm.yaml", 1});
  places.Add("Sync", "s", "spec.mapping.email", {"syncs/crm.yaml", 14});
  const absl::Status status =
      BadRequestError(ErrorCode::kINVALID_RESOURCE,
                      {{"Sync/s: spec.mapping.email.from", "the model has no column \"emial\""},
                       {"Model/other: spec.table", "no such table"}});
  EXPECT_THAT(ViolationLines(status, places),
              ElementsAre("syncs/crm.yaml:14: spec.mapping.email.from: the model has no column "
                          "\"emial\"",
                          "Model/other: spec.table: no such table"));
}

}  // namespace
}  // namespace penstock::cli

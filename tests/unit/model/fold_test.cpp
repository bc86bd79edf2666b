#include "services/common/model/fold.h"

#include <gmock/gmock.h>

#include <map>

#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/model/bitmap.h"
#include "services/common/model/outcome.h"

namespace penstock {
namespace {

constexpr Intent kIntent{.key = {1, 2}, .row = 3, .emission = 4, .primary_key = 5};

enum class Leaves { kNothing, kConfirmed, kDoubt, kTombstone };

Leaves Kind(const std::optional<Entry>& entry) {
  if (!entry.has_value()) return Leaves::kNothing;
  if (entry->tombstone) return Leaves::kTombstone;
  if (!entry->in_doubt) return Leaves::kConfirmed;
  EXPECT_EQ(entry->emission, kIntent.emission);
  return Leaves::kDoubt;
}

Leaves Fold(Operation operation, Outcome outcome, bool unanswered,
            SkipReason reason = SkipReason::kNone) {
  return Kind(FoldRecord(operation, kIntent, PackOutcome(outcome, reason), unanswered));
}

TEST(FoldRecord, FollowsTheTableOfTheFormats) {
  using enum Operation;
  for (Operation op : {kUpsert, kUpdate, kInsert, kRemove, kAppend, kForget}) {
    const bool removes = op == kRemove || op == kForget;
    const Leaves done = removes ? Leaves::kTombstone : Leaves::kConfirmed;
    for (bool unanswered : {false, true}) {
      EXPECT_EQ(Fold(op, Outcome::kDelivered, unanswered), done) << Name(op);
      EXPECT_EQ(Fold(op, Outcome::kUnchanged, unanswered), done) << Name(op);
      EXPECT_EQ(Fold(op, Outcome::kPending, unanswered), Leaves::kDoubt) << Name(op);
      EXPECT_EQ(Fold(op, Outcome::kUnknown, unanswered), Leaves::kDoubt) << Name(op);
    }
    EXPECT_EQ(Fold(op, Outcome::kRejected, false), Leaves::kNothing) << Name(op);
    EXPECT_EQ(Fold(op, Outcome::kRejected, true), Leaves::kDoubt) << Name(op);
  }
  EXPECT_EQ(Fold(kUpdate, Outcome::kSkipped, false, SkipReason::kNotFound), Leaves::kNothing);
  EXPECT_EQ(Fold(kUpdate, Outcome::kSkipped, true, SkipReason::kNotFound), Leaves::kDoubt);
  EXPECT_EQ(Fold(kInsert, Outcome::kSkipped, false, SkipReason::kExists), Leaves::kConfirmed);
  EXPECT_EQ(Fold(kInsert, Outcome::kSkipped, true, SkipReason::kExists), Leaves::kConfirmed);
}

TEST(FoldRecord, AnUnassignedOutcomeIsInDoubt) {
  EXPECT_EQ(Kind(FoldRecord(Operation::kUpsert, kIntent, 0x0E, false)), Leaves::kDoubt);
}

std::map<uint64_t, uint64_t> Rows(Folder& folder, size_t max_segment_bytes) {
  std::map<uint64_t, uint64_t> rows;
  absl::Status status =
      folder.Finish(max_segment_bytes, [&](const std::string& bytes, const SegmentHeader& header) {
        auto view = SegmentView::Open(bytes, true);
        EXPECT_TRUE(view.ok()) << view.status();
        EXPECT_EQ(header.entries, view->size());
        for (uint32_t i = 0; i < view->size(); ++i) {
          EXPECT_TRUE(rows.emplace(view->key(i).hi, view->row(i)).second) << "a key twice";
          EXPECT_EQ(view->entry(i).identity, "id" + std::to_string(view->row(i)));
        }
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

TEST(Folder, TheLaterReadOfAKeyWins) {
  SeededRandom random(5);
  Folder folder({.with_identity = true, .recipe = 1});
  std::map<uint64_t, uint64_t> oracle;
  for (uint64_t read = 0; read < 40; ++read) {
    std::string intents, outcomes, unanswered;
    IntentWriter writer(intents, true);
    std::map<uint64_t, uint64_t> in_read;
    while (in_read.size() < 50) in_read[random.Next() % 300] = RowHash(random.Next());
    uint32_t n = 0;
    for (const auto& [key, row] : in_read) {
      std::string identity = "id" + std::to_string(row);
      writer.Add({.key = {key, 0}, .row = row, .emission = read, .identity = identity});
      Outcome outcome = random.Next() % 2 == 0 ? Outcome::kDelivered : Outcome::kRejected;
      outcomes += static_cast<char>(PackOutcome(outcome));
      bool lost = random.Next() % 3 == 0;
      if (lost) SetBit(unanswered, n);
      if (outcome == Outcome::kDelivered || lost) oracle[key] = row;
      ++n;
    }
    ASSERT_TRUE(folder.Add({Operation::kUpsert, n, true, intents, outcomes, unanswered}).ok());
  }
  EXPECT_GT(folder.bytes(), 1000u);
  EXPECT_EQ(Rows(folder, 2000), oracle);
  EXPECT_EQ(folder.bytes(), 0u);
  EXPECT_TRUE(Rows(folder, 2000).empty()) << "it starts anew";
}

TEST(Folder, OutcomesThatAreMissingArePending) {
  std::string intents;
  IntentWriter writer(intents, false);
  writer.Add({.key = {1, 0}, .row = 1});
  writer.Add({.key = {2, 0}, .row = 2});
  Folder folder({});
  std::string one(1, static_cast<char>(PackOutcome(Outcome::kDelivered)));
  ASSERT_TRUE(folder.Add({Operation::kUpsert, 2, false, intents, one, ""}).ok());
  ASSERT_TRUE(folder
                  .Finish(1 << 20,
                          [](const std::string& bytes, const SegmentHeader&) {
                            auto view = SegmentView::Open(bytes, true);
                            EXPECT_FALSE(view->in_doubt(0));
                            EXPECT_TRUE(view->in_doubt(1));
                            return absl::OkStatus();
                          })
                  .ok());
}

TEST(Folder, RefusesIntentsOfAnotherCount) {
  Folder folder({});
  EXPECT_EQ(CodeOf(folder.Add({Operation::kUpsert, 1, false, "short", "", ""})),
            ErrorCode::kDATA_CORRUPT);
}

}  // namespace
}  // namespace penstock

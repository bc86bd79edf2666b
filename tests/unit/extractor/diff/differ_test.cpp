#include "services/extractor/domain/diff/differ.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <set>

#include "services/common/core/random.h"
#include "services/common/model/bitmap.h"
#include "services/extractor/domain/diff/removals.h"
#include "tests/unit/extractor/binary_row.h"

namespace penstock {
namespace {

using testing::BinaryRow;

constexpr uint64_t kSeed = 77;
constexpr uint64_t kThisRead = 1000, kOlderRead = 500;

class Collector final : public DiffSink {
 public:
  struct Emitted {
    Hash128 key;
    uint64_t row, emission;
    std::string label;
    Disposal disposal;
  };
  absl::Status Emit(const Intent& intent, std::string_view label, const RenderedRecord&,
                    Disposal disposal) override {
    emitted.push_back({intent.key, intent.row, intent.emission, std::string(label), disposal});
    return absl::OkStatus();
  }
  absl::Status Invalid(std::string_view label, const ValueError& error) override {
    invalid.push_back(std::string(label) + " " + std::string(Name(error.code)));
    return absl::OkStatus();
  }
  std::vector<Emitted> emitted;
  std::vector<std::string> invalid;
};

// A row of the model: its primary key, its identity (nullopt: NULL) and a value; "bad" can't be
// cast.
struct ModelRow {
  int64_t id = 0;
  std::optional<std::string> email;
  std::string value;
};

class DifferTest : public ::testing::Test {
 protected:
  DifferTest() {
    char name[] = "/tmp/penstock-differ-XXXXXX";
    directory_ = mkdtemp(name);
    sync_.mode = Mode::kMirror;
    sync_.identity = {"email"};
    FieldMapping email, value;
    email.path = {"email"};
    email.from = FieldMapping::Column{"email", {}};
    value.path = {"value"};
    value.from = FieldMapping::Column{"value", {}};
    value.cast = Cast::kInteger;
    sync_.mapping = {email, value};
    model_.primary_key = {"id"};
    for (auto [column, oid] : {std::pair{"email", 25u}, {"id", 20u}, {"value", 25u}}) {
      ColumnType type;
      type.oid = oid;
      description_.columns.push_back({column, type});
    }
    Compile();
  }
  ~DifferTest() override { std::filesystem::remove_all(directory_); }

  void Compile() {
    CompileResult result = penstock::Compile({sync_, model_, description_, timezone_});
    ASSERT_TRUE(result.program.has_value());
    program_ = *std::move(result.program);
    mapper_.emplace(program_, kSeed);
  }

  // In the order in which the program reads the columns.
  BinaryRow Binary(const ModelRow& row) const {
    BinaryRow binary;
    for (const SelectColumn& column : program_.select) {
      if (column.name == "id") {
        binary.Int(row.id);
      } else if (column.name == "value") {
        binary.Text(row.value);
      } else if (row.email.has_value()) {
        binary.Text(*row.email);
      } else {
        binary.Null();
      }
    }
    return binary;
  }
  Entry EntryOf(const ModelRow& row) {
    BinaryRow binary = Binary(row);
    Entry entry;
    EXPECT_FALSE(mapper_->Key(binary.Raw(), entry.key).has_value());
    entry.row = mapper_->RowHash(binary.Raw());
    entry.primary_key = mapper_->PrimaryKeyHash(binary.Raw());
    return entry;
  }
  // The snapshot's entries; newer levels on top of older ones.
  void Deliver(std::vector<Entry> entries, uint64_t recipe = 0) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.key < b.key; });
    SegmentBuilder builder(
        {.with_identity = true, .recipe = recipe == 0 ? program_.recipe : recipe});
    for (const Entry& entry : entries) builder.Add(entry);
    segments_.push_back(builder.Finish());
  }
  void Defer(const Deferral& deferral, uint64_t recipe = 0) {
    SegmentBuilder builder(
        {.kind = SegmentKind::kDeferrals, .recipe = recipe == 0 ? program_.recipe : recipe});
    builder.Add(deferral);
    deferral_segments_.push_back(builder.Finish());
  }
  void Run(const std::vector<ModelRow>& rows) {
    std::vector<std::vector<SegmentView>> levels, deferral_levels;
    for (const std::string& s : segments_) levels.push_back({*SegmentView::Open(s, true)});
    for (const std::string& s : deferral_segments_)
      deferral_levels.push_back({*SegmentView::Open(s, true)});
    index_.emplace(levels);
    deferrals_.emplace(deferral_levels, program_.recipe, now_us_);
    options_.emission = kThisRead;
    options_.spill_directory = directory_;
    sink_ = {};
    differ_.emplace(program_, *mapper_, *index_, *deferrals_, options_, sink_);
    std::vector<BinaryRow> binary;
    for (const ModelRow& row : rows) binary.push_back(Binary(row));
    std::vector<RawRow> raw;
    for (BinaryRow& row : binary) raw.push_back(row.Raw());
    ASSERT_TRUE(differ_->Add(raw).ok());
    ASSERT_TRUE(differ_->Finish().ok());
    EXPECT_EQ(differ_->counters().rows_read, rows.size());
    EXPECT_TRUE(differ_->counters().Balanced());
  }
  const ReadCounters& counters() { return differ_->counters(); }
  // The labels of what may be sent after the filter.
  std::vector<std::string> Sent() {
    std::vector<std::string> labels;
    for (const Collector::Emitted& e : sink_.emitted) {
      if (differ_->filter().Judge(e.key) == KeyFilter::Verdict::kSend) labels.push_back(e.label);
    }
    return labels;
  }
  uint64_t Removals() { return CountRemovals(*index_, *deferrals_, differ_->seen()).removed; }

  std::filesystem::path directory_;
  Sync sync_;
  Model model_;
  ModelDescription description_;
  std::string timezone_ = "UTC";
  Program program_;
  std::optional<Mapper> mapper_;
  std::vector<std::string> segments_, deferral_segments_;
  int64_t now_us_ = 50;
  DifferOptions options_;
  std::optional<SnapshotIndex> index_;
  std::optional<DeferralIndex> deferrals_;
  Collector sink_;
  std::optional<Differ> differ_;
};

const ModelRow kAnn{1, "ann@x", "1"};
const ModelRow kBob{2, "bob@x", "2"};

TEST_F(DifferTest, SendsNewAndChangedRowsAndRemovesWhatLeft) {
  Deliver({EntryOf(kAnn), EntryOf(kBob), EntryOf({3, "eve@x", "3"})});
  Run({kAnn, {2, "bob@x", "22"}, {4, "new@x", "4"}});
  EXPECT_EQ(counters().unchanged, 1u);
  EXPECT_EQ(counters().changed, 2u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":2}", "{\"id\":4}"));
  EXPECT_EQ(counters().known, 2u);
  EXPECT_EQ(counters().known_changed, 1u);
  EXPECT_EQ(Removals(), 1u);
}

TEST_F(DifferTest, AnEntryInDoubtCountsAsChangedAndKeepsItsEmission) {
  Entry same = EntryOf(kAnn), other = EntryOf({2, "bob@x", "9"});
  same.in_doubt = other.in_doubt = true;
  same.emission = other.emission = kOlderRead;
  Deliver({same, other});
  Run({kAnn, kBob});
  ASSERT_EQ(counters().changed, 2u);
  EXPECT_EQ(sink_.emitted[0].emission, kOlderRead);
  EXPECT_EQ(sink_.emitted[1].emission, kThisRead) << "another row is another request";
}

TEST_F(DifferTest, AnEntryOfAnotherRecipeCountsAsChanged) {
  Deliver({EntryOf(kAnn)}, program_.recipe + 1);
  Run({kAnn});
  EXPECT_EQ(counters().changed, 1u);
}

TEST_F(DifferTest, ARowBehindATombstoneIsNew) {
  Deliver({EntryOf(kAnn)});
  Deliver({Entry{.key = EntryOf(kAnn).key, .tombstone = true}});
  Run({kAnn});
  EXPECT_EQ(counters().changed, 1u);
  EXPECT_EQ(counters().known, 0u);
  EXPECT_EQ(Removals(), 0u);
}

TEST_F(DifferTest, AnInsertSendsNoChangedRowsOfKnownKeys) {
  sync_.mode = Mode::kInsert;
  Compile();
  options_.insert_only = true;
  Deliver({EntryOf(kAnn), EntryOf(kBob)});
  Run({{1, "ann@x", "7"}, kBob, {3, "new@x", "3"}});
  EXPECT_EQ(counters().skipped, 1u);
  EXPECT_EQ(counters().unchanged, 1u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":3}"));
}

TEST_F(DifferTest, ARefusedRowWaitsUntilItsTimeOrItsChange) {
  Entry ann = EntryOf(kAnn);
  Defer({.key = ann.key, .row = ann.row, .tries = 1, .next_try_us = 100});
  Run({kAnn});
  EXPECT_EQ(counters().deferred, 1u);
  Run({{1, "ann@x", "7"}});
  EXPECT_EQ(counters().changed, 1u) << "a changed row is tried at once";
  now_us_ = 100;
  Run({kAnn});
  EXPECT_EQ(counters().changed, 1u) << "its time has come";
}

TEST_F(DifferTest, ARefusedRowInDoubtWaitsAndIsNotRemoved) {
  Entry ann = EntryOf(kAnn);
  ann.in_doubt = true;
  Deliver({ann});
  Defer({.key = ann.key, .row = ann.row, .tries = 1, .next_try_us = 100});
  Run({kAnn});
  EXPECT_EQ(counters().deferred, 1u);
  EXPECT_EQ(Removals(), 0u);
}

TEST_F(DifferTest, AClearedDeferralIsNone) {
  Entry ann = EntryOf(kAnn);
  Defer({.key = ann.key, .row = ann.row, .tries = 1, .next_try_us = 100});
  Defer({.key = ann.key, .cleared = true});
  Run({kAnn});
  EXPECT_EQ(counters().changed, 1u);
}

TEST_F(DifferTest, ARefusalUnderAnotherMappingIsForgotten) {
  Entry ann = EntryOf(kAnn);
  Defer({.key = ann.key, .row = ann.row, .tries = 1, .next_try_us = 100}, program_.recipe + 1);
  Run({kAnn});
  EXPECT_EQ(counters().changed, 1u);
}

TEST_F(DifferTest, NeitherOfTwoRowsOfOneIdentityIsSent) {
  Run({kAnn, {2, "ann@x", "2"}, kBob});
  EXPECT_EQ(counters().invalid, 2u);
  EXPECT_EQ(counters().changed, 1u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":2}"));
}

TEST_F(DifferTest, ADuplicateOfAnUnchangedRowIsFoundAndTheContactLives) {
  Deliver({EntryOf(kAnn)});
  Run({kAnn, {2, "ann@x", "2"}});
  EXPECT_EQ(counters().invalid, 2u);
  EXPECT_EQ(counters().unchanged, 0u);
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(Removals(), 0u);
}

TEST_F(DifferTest, CopiesAreOneRow) {
  sync_.mode = Mode::kUpsert;  // so that the primary key is no part of the row
  Compile();
  Deliver({EntryOf(kBob)});
  Run({kAnn, kAnn, kAnn, kBob, kBob});
  EXPECT_EQ(counters().copies, 3u);
  EXPECT_EQ(counters().changed, 1u);
  EXPECT_EQ(counters().unchanged, 1u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":1}"));
}

TEST_F(DifferTest, AnInvalidRowMarksItsKeySeen) {
  Deliver({EntryOf(kAnn)});
  Run({{1, "ann@x", "bad"}});
  EXPECT_EQ(counters().invalid, 1u);
  EXPECT_THAT(sink_.invalid, ::testing::ElementsAre("{\"id\":1} CAST_FAILED"));
  EXPECT_EQ(Removals(), 0u);
}

TEST_F(DifferTest, ARowWhoseKeyCantBeMadeProtectsItsOldRecord) {
  Deliver({EntryOf(kAnn), EntryOf(kBob)});
  Run({{1, std::nullopt, "1"}});
  EXPECT_THAT(sink_.invalid, ::testing::ElementsAre("{\"id\":1} IDENTITY_NULL"));
  EXPECT_EQ(counters().protected_from_removal, 1u);
  EXPECT_EQ(Removals(), 1u) << "only Bob left";
}

TEST_F(DifferTest, AChangedIdentityIsARemovalAndAnAddition) {
  Deliver({EntryOf(kAnn)});
  Run({{1, "ann@y", "1"}});
  EXPECT_EQ(counters().changed, 1u);
  EXPECT_EQ(Removals(), 1u);
}

TEST_F(DifferTest, AtMostOnceARowInDoubtWaitsUntilItChanges) {
  options_.at_most_once = true;
  Entry ann = EntryOf(kAnn), bob = EntryOf(kBob);
  ann.in_doubt = bob.in_doubt = true;
  Deliver({ann, bob});
  Run({kAnn, {2, "bob@x", "22"}});
  EXPECT_EQ(counters().deferred, 1u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":2}"));
}

TEST_F(DifferTest, ALimitLetsSoManyRowsPassAndSkipsTheOthers) {
  options_.limit = 1;
  Deliver({EntryOf(kAnn)});
  Run({kAnn, kBob, {3, "eve@x", "3"}, {4, "new@x", "4"}});
  EXPECT_EQ(counters().unchanged, 1u);
  EXPECT_EQ(counters().changed, 1u);
  EXPECT_EQ(counters().skipped, 2u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":2}"));
}

TEST_F(DifferTest, OnlyTheRowOfTheWantedPrimaryKeyPasses) {
  BinaryRow eve = Binary({3, "eve@x", "3"});
  options_.only = std::vector<uint64_t>{mapper_->PrimaryKeyHash(eve.Raw())};
  Run({kAnn, kBob, {3, "eve@x", "3"}});
  EXPECT_EQ(counters().skipped, 2u);
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":3}"));
  Run({kAnn, {3, "eve@x", "3"}, {4, "eve@x", "4"}});
  EXPECT_THAT(Sent(), ::testing::IsEmpty()) << "another row has its identity";
}

TEST_F(DifferTest, AReadThatAdoptsTakesRowsAsDelivered) {
  options_.adopts = true;
  Run({kAnn, {2, "bob@x", "bad"}});
  EXPECT_EQ(counters().changed, 1u);
  EXPECT_EQ(counters().invalid, 1u) << "what can't be sent was not delivered either";
  ASSERT_EQ(sink_.emitted.size(), 1u);
  EXPECT_EQ(sink_.emitted[0].disposal, Disposal::kAdopt);
}

// The mapping gains a field from a column that it did not read before.
TEST_F(DifferTest, AfterAChangedMappingRowsUnchangedByTheOlderOneAreAdopted) {
  sync_.mode = Mode::kUpsert;
  Compile();
  Program older = program_;
  Entry in_doubt = EntryOf({3, "eve@x", "3"});
  in_doubt.in_doubt = true;
  Deliver({EntryOf(kAnn), EntryOf(kBob), in_doubt});
  FieldMapping id;
  id.path = {"id"};
  id.from = FieldMapping::Column{"id", {}};
  sync_.mapping.push_back(id);
  sync_.mapping[1].cast = Cast::kNone;
  Compile();
  ASSERT_NE(program_.recipe, older.recipe);
  std::vector<SelectColumn> select = program_.select;
  OlderRecipe recipe(older, select, kSeed);
  ASSERT_EQ(select, program_.select) << "all that the older one reads is read anyway";
  options_.older = &recipe;
  Run({kAnn, {2, "bob@x", "22"}, {3, "eve@x", "3"}, {4, "new@x", "4"}});
  EXPECT_EQ(counters().changed, 4u);
  EXPECT_EQ(counters().known_changed, 0u) << "by another mapping nobody can tell";
  std::map<std::string, Disposal> disposals;
  for (const Collector::Emitted& e : sink_.emitted) disposals[e.label] = e.disposal;
  EXPECT_THAT(disposals, ::testing::ElementsAre(::testing::Pair("{\"id\":1}", Disposal::kAdopt),
                                                ::testing::Pair("{\"id\":2}", Disposal::kSend),
                                                ::testing::Pair("{\"id\":3}", Disposal::kSend),
                                                ::testing::Pair("{\"id\":4}", Disposal::kSend)));
}

TEST_F(DifferTest, AnAppendKnowsARowByItsPrimaryKey) {
  sync_.mode = Mode::kAppend;
  Compile();
  options_.insert_only = true;
  Deliver({EntryOf(kAnn)});
  Run({{1, "another@x", "1"}, {2, "ann@x", "2"}, {3, "ann@x", "2"}});
  EXPECT_EQ(counters().skipped, 1u) << "its row has changed, but each row is sent once";
  EXPECT_THAT(Sent(), ::testing::ElementsAre("{\"id\":2}", "{\"id\":3}"));
}

TEST_F(DifferTest, AUniqueIdentityNeedsNoFilter) {
  description_.unique = {{"email"}};
  Compile();
  Deliver({EntryOf(kAnn)});
  Run({kAnn, kBob});
  EXPECT_TRUE(program_.key_is_unique);
  EXPECT_EQ(counters().unchanged, 1u);
  EXPECT_TRUE(differ_->filter().empty());
}

// What the counters, the sent rows and the removals must be, found without any cleverness.
struct Expected {
  ReadCounters counters;
  std::set<std::string> sent;
  uint64_t removals = 0;
};

TEST_F(DifferTest, EqualsAnOracleOnRandomModels) {
  sync_.mode = Mode::kUpsert;
  Compile();
  SeededRandom random(6);
  for (int round = 0; round < 200; ++round) {
    segments_.clear();
    options_.spill_memory_bytes = round % 2 == 0 ? 32 * 7 : 1 << 20;
    const uint64_t people = 1 + random.Next() % 120;
    auto random_row = [&] {
      std::string value = random.Next() % 12 == 0 ? "bad" : std::to_string(random.Next() % 3);
      ModelRow row{static_cast<int64_t>(random.Next() % 1000),
                   "p" + std::to_string(random.Next() % people), value};
      if (random.Next() % 20 == 0) row.email.reset();
      return row;
    };
    std::map<Hash128, Entry> snapshot;
    std::vector<Entry> base, level;
    for (uint64_t p = 0; p < people; ++p) {
      for (auto* to : {&base, &level}) {
        if (random.Next() % 2 == 0) continue;
        Entry entry = EntryOf({0, "p" + std::to_string(p), std::to_string(random.Next() % 3)});
        entry.in_doubt = random.Next() % 6 == 0;
        if (random.Next() % 8 == 0) entry = {.key = entry.key, .tombstone = true};
        to->push_back(entry);
        snapshot[entry.key] = entry;
      }
    }
    Deliver(base);
    Deliver(level);
    std::vector<ModelRow> rows;
    for (uint64_t n = random.Next() % 300; n > 0; --n) rows.push_back(random_row());

    Expected expected;
    expected.counters.rows_read = rows.size();
    std::map<std::string, std::map<std::string, uint64_t>> by_email;  // value -> how many
    for (const ModelRow& row : rows) {
      if (row.email.has_value()) {
        const Entry now = EntryOf(row);
        const auto old = snapshot.find(now.key);
        if (old != snapshot.end() && !old->second.tombstone) {
          ++expected.counters.known;
          expected.counters.known_changed += old->second.row != now.row;
        }
        ++by_email[*row.email][row.value];
      } else {
        ++expected.counters.invalid;
      }
    }
    std::set<Hash128> present;
    for (const auto& [email, values] : by_email) {
      Entry now = EntryOf({0, email, values.begin()->first});
      present.insert(now.key);
      uint64_t all = 0;
      for (const auto& [value, n] : values) all += n;
      expected.counters.copies += all - values.size();
      auto old = snapshot.find(now.key);
      if (values.size() > 1) {
        expected.counters.invalid += values.size();
      } else if (old != snapshot.end() && !old->second.tombstone && !old->second.in_doubt &&
                 old->second.row == now.row) {
        ++expected.counters.unchanged;
      } else if (values.begin()->first == "bad") {
        ++expected.counters.invalid;
      } else {
        ++expected.counters.changed;
        expected.sent.insert(email);
      }
    }
    for (const auto& [key, entry] : snapshot)
      expected.removals += !entry.tombstone && !present.contains(key);

    Run(rows);
    ASSERT_EQ(counters(), expected.counters) << "round " << round;
    std::multiset<Hash128> sent, expected_sent;
    for (const Collector::Emitted& e : sink_.emitted) {
      if (differ_->filter().Judge(e.key) == KeyFilter::Verdict::kSend) sent.insert(e.key);
    }
    for (const std::string& email : expected.sent)
      expected_sent.insert(EntryOf({0, email, ""}).key);
    ASSERT_EQ(sent, expected_sent) << "round " << round;
    ASSERT_EQ(Removals(), expected.removals) << "round " << round;
  }
}

}  // namespace
}  // namespace penstock

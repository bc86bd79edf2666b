#include "services/common/model/snapshot.h"

#include <gmock/gmock.h>

#include <map>

#include "services/common/core/random.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

struct Row {
  uint64_t row = 0;
  bool in_doubt = false, tombstone = false;
  uint64_t emission = 0, primary_key = 0;
  std::string identity = {};
  friend bool operator==(const Row&, const Row&) = default;
};
using Level = std::map<Hash128, Row>;

Row Held(const Entry& e) {
  return {e.row, e.in_doubt, e.tombstone, e.emission, e.primary_key, std::string(e.identity)};
}

Level RandomLevel(SeededRandom& random, size_t n, uint64_t key_space) {
  Level level;
  while (level.size() < n) {
    uint64_t id = random.Next() % key_space;
    Row row;
    uint64_t kind = random.Next() % 10;
    if (kind == 0) {
      row = {.tombstone = true};
    } else {
      row = {.row = RowHash(random.Next()), .in_doubt = kind == 1, .primary_key = random.Next()};
      row.identity.assign(random.Next() % 20, static_cast<char>(random.Next()));
      if (row.in_doubt) row.emission = random.Next();
    }
    level[HashBytes128({reinterpret_cast<const char*>(&id), sizeof id}, 1)] = row;
  }
  return level;
}

std::vector<std::string> Segments(const Level& level, SegmentHeader layout, size_t per_segment) {
  std::vector<std::string> out;
  SegmentBuilder builder(layout);
  for (const auto& [key, row] : level) {
    builder.Add(Entry{key, row.row, row.in_doubt, row.tombstone, row.emission, row.primary_key,
                      row.identity});
    if (builder.entries() == per_segment) out.push_back(builder.Finish());
  }
  if (builder.entries() > 0) out.push_back(builder.Finish());
  return out;
}

LevelSource SourceOf(std::vector<std::string> segments) {
  return [segments, next = size_t{0}]() mutable -> absl::StatusOr<std::optional<std::string>> {
    if (next == segments.size()) return std::nullopt;
    return segments[next++];
  };
}

TEST(Segment, GivesBackEveryEntryAndFindsItsKey) {
  SeededRandom random(7);
  for (size_t n : {0, 1, 2, 3, 10, 1000, 30000}) {
    Level level = RandomLevel(random, n, 1'000'000);
    SegmentBuilder builder({.with_identity = true, .recipe = 42});
    std::string bytes =
        n == 0 ? builder.Finish() : Segments(level, {.with_identity = true, .recipe = 42}, n)[0];
    auto view = SegmentView::Open(bytes, true);
    ASSERT_TRUE(view.ok()) << view.status();
    ASSERT_EQ(view->size(), n);
    EXPECT_EQ(view->header().recipe, 42u);
    uint32_t i = 0;
    for (const auto& [key, row] : level) {
      ASSERT_EQ(view->key(i), key);
      ASSERT_EQ(Held(view->entry(i)), row);
      ASSERT_EQ(view->Find(key), i);
      ASSERT_EQ(view->Find({key.hi, key.lo + 1}), std::nullopt);
      ++i;
    }
    for (int miss = 0; miss < 1000; ++miss)
      ASSERT_EQ(view->Find({random.Next(), random.Next()}), std::nullopt);
    ASSERT_EQ(view->Find({0, 0}), std::nullopt);
    ASSERT_EQ(view->Find({~uint64_t{0}, ~uint64_t{0}}), std::nullopt);
  }
}

TEST(Segment, FindsKeysThatAreNotUniform) {
  SegmentBuilder builder({});
  for (uint64_t i = 0; i < 500; ++i) builder.Add(Entry{.key = {5, i}, .row = 1});
  for (uint64_t i = 0; i < 500; ++i) builder.Add(Entry{.key = {uint64_t{1} << 63, i}, .row = 1});
  std::string bytes = builder.Finish();
  auto view = SegmentView::Open(bytes, true);
  ASSERT_TRUE(view.ok());
  for (uint32_t i = 0; i < view->size(); ++i) ASSERT_EQ(view->Find(view->key(i)), i);
}

TEST(Segment, AnInDoubtEntryNeverReadsAsATombstone) {
  SegmentBuilder builder({});
  builder.Add(Entry{.key = {1, 1}, .row = kRowHashMask, .in_doubt = true, .emission = 3});
  std::string bytes = builder.Finish();
  auto view = SegmentView::Open(bytes, true);
  ASSERT_TRUE(view.ok());
  EXPECT_FALSE(view->tombstone(0));
  EXPECT_TRUE(view->in_doubt(0));
  EXPECT_EQ(view->entry(0).emission, 3u);
}

TEST(Segment, KeepsDeferrals) {
  Deferral deferral{
      .key = {1, 2}, .row = 3, .removal = true, .cleared = true, .tries = 4, .next_try_us = -5};
  SegmentBuilder builder({.kind = SegmentKind::kDeferrals});
  builder.Add(deferral);
  std::string bytes = builder.Finish();
  auto view = SegmentView::Open(bytes, true);
  ASSERT_TRUE(view.ok());
  Deferral read = view->deferral(0);
  EXPECT_EQ(read.key, deferral.key);
  EXPECT_EQ(read.row, 3u);
  EXPECT_TRUE(read.removal && read.cleared);
  EXPECT_EQ(read.tries, 4);
  EXPECT_EQ(read.next_try_us, -5);
}

TEST(Segment, RefusesDamage) {
  SeededRandom random(3);
  std::string bytes =
      Segments(RandomLevel(random, 40, 1000), {.with_identity = true, .recipe = 1}, 40)[0];
  for (size_t n = 0; n < bytes.size(); ++n)
    ASSERT_EQ(CodeOf(SegmentView::Open(std::string_view(bytes).substr(0, n), true).status()),
              ErrorCode::kDATA_CORRUPT);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_EQ(CodeOf(SegmentView::Open(damaged, true).status()), ErrorCode::kDATA_CORRUPT) << bit;
  }
}

// A mapped file is not checksummed at every start.
TEST(Segment, SurvivesDamageThatWasNotChecked) {
  SeededRandom random(4);
  std::string bytes =
      Segments(RandomLevel(random, 60, 1000), {.with_identity = true, .recipe = 1}, 60)[0];
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = bytes;
    for (int flips = 0; flips < 3; ++flips)
      damaged[random.Next() % damaged.size()] = static_cast<char>(random.Next());
    auto view = SegmentView::Open(damaged, false);
    if (!view.ok()) continue;
    for (uint32_t i = 0; i < view->size(); ++i) {
      if (view->header().kind == SegmentKind::kDeferrals) {
        view->deferral(i);
        continue;
      }
      std::string copy(view->entry(i).identity);
      ASSERT_LE(copy.size(), damaged.size());
      view->Find(view->key(i));
    }
  }
}

TEST(MergeLevels, EqualsAMapThatIsOverwrittenFromTheOldestOn) {
  SeededRandom random(11);
  for (int round = 0; round < 30; ++round) {
    bool to_base = round % 2 == 0;
    std::vector<LevelSource> newest_first;
    Level oracle;
    size_t levels = 1 + random.Next() % 6;
    for (size_t l = 0; l < levels; ++l) {
      uint64_t recipe = 1 + random.Next() % 2;
      Level level = RandomLevel(random, random.Next() % 400, 900);
      for (const auto& [key, row] : level) {
        Row expected = row;
        if (recipe != 1 && !row.tombstone) expected.row = kForeignRow;
        oracle[key] = expected;
      }
      newest_first.insert(newest_first.begin(),
                          SourceOf(Segments(level, {.with_identity = true, .recipe = recipe}, 37)));
    }
    if (to_base) std::erase_if(oracle, [](const auto& e) { return e.second.tombstone; });
    Level merged;
    size_t segments = 0;
    absl::Status status =
        MergeLevels(std::move(newest_first),
                    {.layout = {.with_identity = true, .recipe = 1},
                     .drop_tombstones = to_base,
                     .max_segment_bytes = 4000},
                    [&](const std::string& bytes, const SegmentHeader& header) {
                      auto view = SegmentView::Open(bytes, true);
                      EXPECT_TRUE(view.ok());
                      EXPECT_EQ(view->size(), header.entries);
                      EXPECT_LT(bytes.size(), 4200u);
                      ++segments;
                      for (uint32_t i = 0; i < view->size(); ++i) {
                        EXPECT_TRUE(merged.empty() || merged.rbegin()->first < view->key(i));
                        merged[view->key(i)] = Held(view->entry(i));
                      }
                      return absl::OkStatus();
                    });
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(merged, oracle);
    if (oracle.size() > 200) {
      EXPECT_GT(segments, 1u);
    }
  }
}

TEST(MergeLevels, DropsClearedDeferralsInTheBase) {
  auto segment = [](const std::vector<Deferral>& deferrals) {
    SegmentBuilder builder({.kind = SegmentKind::kDeferrals});
    for (const Deferral& d : deferrals) builder.Add(d);
    return builder.Finish();
  };
  std::string old = segment({{.key = {1, 0}, .tries = 1}, {.key = {2, 0}, .tries = 1}});
  std::string recent = segment({{.key = {1, 0}, .cleared = true}});
  std::vector<uint64_t> left;
  absl::Status status =
      MergeLevels({SourceOf({recent}), SourceOf({old})},
                  {.layout = {.kind = SegmentKind::kDeferrals}, .drop_tombstones = true},
                  [&](const std::string& bytes, const SegmentHeader&) {
                    auto view = SegmentView::Open(bytes, true);
                    for (uint32_t i = 0; i < view->size(); ++i)
                      left.push_back(view->deferral(i).key.hi);
                    return absl::OkStatus();
                  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(left, testing::ElementsAre(2));
}

TEST(MergeLevels, PutsEveryEntryInDoubtWhenAskedTo) {
  SegmentBuilder builder({.recipe = 7});
  builder.Add(Entry{.key = {1, 0}, .row = 11});
  builder.Add(Entry{.key = {2, 0}, .row = 12, .in_doubt = true, .emission = 3});
  builder.Add(Entry{.key = {3, 0}, .tombstone = true});
  std::vector<Entry> out;
  const absl::Status status =
      MergeLevels({SourceOf({builder.Finish()})}, {.layout = {.recipe = 7}, .doubt = 99},
                  [&](const std::string& bytes, const SegmentHeader&) {
                    const auto view = SegmentView::Open(bytes, true);
                    for (uint32_t i = 0; i < view->size(); ++i) out.push_back(view->entry(i));
                    return absl::OkStatus();
                  });
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(out.size(), 3u);
  EXPECT_TRUE(out[0].in_doubt);
  EXPECT_EQ(out[0].row, 11u);
  EXPECT_EQ(out[0].emission, 99u);
  EXPECT_EQ(out[1].emission, 99u);
  EXPECT_TRUE(out[2].tombstone);
}

TEST(MergeLevels, RefusesSegmentsThatOverlap) {
  SegmentBuilder builder({});
  builder.Add(Entry{.key = {1, 1}, .row = 1});
  std::string segment = builder.Finish();
  absl::Status status =
      MergeLevels({SourceOf({segment, segment})}, {},
                  [](const std::string&, const SegmentHeader&) { return absl::OkStatus(); });
  EXPECT_EQ(CodeOf(status), ErrorCode::kDATA_CORRUPT);
}

}  // namespace
}  // namespace penstock

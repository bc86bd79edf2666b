#include "services/extractor/domain/diff/snapshot_index.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "services/common/core/random.h"
#include "services/common/model/bitmap.h"
#include "services/extractor/domain/diff/removals.h"

namespace penstock {
namespace {

Hash128 KeyOf(uint64_t id) {
  return HashBytes128({reinterpret_cast<const char*>(&id), sizeof id}, 5);
}

// Levels of random entries beside a map that holds the newest of each key.
struct Manifest {
  std::vector<std::vector<std::string>> bytes;  // base first
  std::map<Hash128, Entry> newest;

  void AddLevel(const std::map<Hash128, Entry>& level, size_t per_segment) {
    std::vector<std::string> segments;
    SegmentBuilder builder({.with_identity = true, .recipe = 1});
    for (const auto& [key, entry] : level) {
      builder.Add(entry);
      newest[key] = entry;
      if (builder.entries() == per_segment) segments.push_back(builder.Finish());
    }
    if (builder.entries() > 0) segments.push_back(builder.Finish());
    bytes.push_back(std::move(segments));
  }
  std::vector<std::vector<SegmentView>> Views() const {
    std::vector<std::vector<SegmentView>> levels;
    for (const auto& segments : bytes) {
      auto& level = levels.emplace_back();
      for (const std::string& s : segments) level.push_back(*SegmentView::Open(s, true));
    }
    return levels;
  }
};

Manifest RandomManifest(SeededRandom& random, size_t levels, size_t entries, uint64_t ids) {
  Manifest manifest;
  for (size_t l = 0; l < levels; ++l) {
    std::map<Hash128, Entry> level;
    for (size_t i = 0; i < entries >> l; ++i) {
      uint64_t id = random.Next() % ids;
      Entry entry{.key = KeyOf(id), .row = RowHash(random.Next()), .primary_key = id};
      entry.tombstone = random.Next() % 5 == 0;
      if (entry.tombstone) entry.row = 0;
      level[entry.key] = entry;
    }
    manifest.AddLevel(level, 100 + random.Next() % 400);
  }
  return manifest;
}

TEST(SnapshotIndex, FindsTheNewestEntryOfEveryKey) {
  SeededRandom random(2);
  for (size_t levels : {0, 1, 2, 9}) {
    Manifest manifest = RandomManifest(random, levels, 5000, 8000);
    SnapshotIndex index(manifest.Views());
    std::vector<Hash128> keys;
    for (uint64_t id = 0; id < 9000; ++id) keys.push_back(KeyOf(id));
    std::vector<EntryPosition> found(keys.size());
    index.Find(keys, found);
    std::set<uint64_t> ordinals;
    for (size_t i = 0; i < keys.size(); ++i) {
      auto expected = manifest.newest.find(keys[i]);
      ASSERT_EQ(found[i].found(), expected != manifest.newest.end()) << i;
      if (!found[i].found()) continue;
      Entry entry = index.entry(found[i]);
      ASSERT_EQ(entry.row, expected->second.row);
      ASSERT_EQ(entry.tombstone, expected->second.tombstone);
      ASSERT_LT(index.ordinal(found[i]), index.ordinals());
      ASSERT_TRUE(ordinals.insert(index.ordinal(found[i])).second);
    }
  }
}

TEST(SnapshotIndex, VisitsWhatIsAliveInOrder) {
  SeededRandom random(3);
  Manifest manifest = RandomManifest(random, 5, 3000, 4000);
  SnapshotIndex index(manifest.Views());
  std::vector<Hash128> live, expected;
  index.ForEachLive([&](const EntryPosition& at) {
    live.push_back(index.segment(at).key(at.index));
    return true;
  });
  for (const auto& [key, entry] : manifest.newest) {
    if (!entry.tombstone) expected.push_back(key);
  }
  EXPECT_EQ(live, expected);
}

TEST(Removals, AreWhatIsAliveAndWasNotSeen) {
  SeededRandom random(4);
  Manifest manifest = RandomManifest(random, 4, 3000, 4000);
  SnapshotIndex index(manifest.Views());
  DeferralIndex none({}, 1, 0);
  std::string seen;
  std::vector<uint64_t> unkeyed, expected, removed;
  std::map<uint64_t, bool> kept;
  index.ForEachLive([&](const EntryPosition& at) {
    uint64_t id = index.entry(at).primary_key;
    uint64_t fate = random.Next() % 4;
    if (fate == 0) SetBit(seen, index.ordinal(at));
    if (fate == 1) unkeyed.push_back(id);
    if (fate > 1) expected.push_back(id);
    return true;
  });
  std::sort(unkeyed.begin(), unkeyed.end());
  EXPECT_EQ(ProtectByPrimaryKey(index, unkeyed, seen), unkeyed.size());
  ASSERT_TRUE(ForEachRemoval(index, none, seen, [&](const Entry& entry) {
                removed.push_back(entry.primary_key);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(removed, expected);
  RemovalCounts counts = CountRemovals(index, none, seen);
  EXPECT_EQ(counts.removed, expected.size());
}

TEST(Removals, OneThatWasRefusedWaits) {
  Manifest manifest;
  manifest.AddLevel({{KeyOf(1), Entry{.key = KeyOf(1), .row = 7, .primary_key = 1}}}, 10);
  SnapshotIndex index(manifest.Views());
  SegmentBuilder builder({.kind = SegmentKind::kDeferrals, .recipe = 1});
  builder.Add(Deferral{.key = KeyOf(1), .row = 7, .removal = true, .tries = 1, .next_try_us = 100});
  std::string bytes = builder.Finish();
  auto counts = [&](int64_t now) {
    return CountRemovals(index, DeferralIndex({{*SegmentView::Open(bytes, true)}}, 1, now), "");
  };
  EXPECT_EQ(counts(99).deferred, 1u);
  EXPECT_EQ(counts(99).removed, 0u);
  EXPECT_EQ(counts(100).removed, 1u);
}

TEST(Guard, NeedsBothTheFractionAndTheNumber) {
  Guard guard{.max_removed = 0.1, .max_removed_min = 100};
  auto judge = [&](uint64_t known, uint64_t removed, uint64_t rows) {
    return JudgeRemovals(guard, {.known = known, .removed = removed}, rows);
  };
  EXPECT_EQ(judge(100, 50, 50), GuardVerdict::kPass) << "few in number";
  EXPECT_EQ(judge(10'000, 1000, 9000), GuardVerdict::kPass) << "few in parts";
  EXPECT_EQ(judge(10'000, 1001, 9000), GuardVerdict::kTooMany);
  EXPECT_EQ(judge(5, 5, 0), GuardVerdict::kEmptyModel);
  EXPECT_EQ(judge(5, 0, 0), GuardVerdict::kPass) << "nothing to remove";
}

}  // namespace
}  // namespace penstock

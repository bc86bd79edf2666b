#include "services/extractor/domain/diff/spill_sorter.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "services/common/core/random.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

class SpillSorterTest : public ::testing::Test {
 protected:
  SpillSorterTest() {
    char name[] = "/tmp/penstock-spill-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~SpillSorterTest() override { std::filesystem::remove_all(directory_); }
  size_t Files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  std::filesystem::path directory_;
};

TEST_F(SpillSorterTest, SortsMoreThanItHoldsInMemoryAndLeavesNothing) {
  SeededRandom random(1);
  std::vector<SpilledRow> expected, got;
  {
    SpillSorter sorter(directory_, 100 * sizeof(SpilledRow));
    for (int i = 0; i < 12'345; ++i) {
      expected.push_back({{random.Next() % 50, random.Next()}, random.Next(), random.Next() % 4});
      ASSERT_TRUE(sorter.Add(expected.back()).ok());
    }
    EXPECT_EQ(sorter.size(), expected.size());
    EXPECT_EQ(Files(), 123u);
    ASSERT_TRUE(sorter
                    .ForEach([&](const SpilledRow& row) {
                      got.push_back(row);
                      return absl::OkStatus();
                    })
                    .ok());
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(got, expected);
  EXPECT_EQ(Files(), 0u);
}

TEST_F(SpillSorterTest, WritesNoFileForFewRows) {
  SpillSorter sorter(directory_, 1 << 20);
  ASSERT_TRUE(sorter.Add({{1, 1}, 1, 1}).ok());
  EXPECT_EQ(Files(), 0u);
}

TEST_F(SpillSorterTest, SaysWhichDirectoryTakesNoMore) {
  SpillSorter sorter(directory_ / "missing", 1);
  absl::Status status = sorter.Add({{1, 1}, 1, 1});
  EXPECT_EQ(CodeOf(status), ErrorCode::kSPOOL_FULL);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("missing/spill-0"));
}

}  // namespace
}  // namespace penstock

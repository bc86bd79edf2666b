#include "services/extractor/app/spool.h"

#include <gtest/gtest.h>

#include <string>

#include "services/common/testing/temp_dir.h"

namespace penstock::extractor {
namespace {

constexpr uint64_t kBudget = 8 << 20;

class SpoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> Open() {
    auto spool = Spool::Open(dir_.path(), budget_);
    EXPECT_TRUE(spool.ok()) << spool.status();
    return *std::move(spool);
  }

  // Appends batches of 100,000 bytes until one is refused; how many were taken.
  static int Fill(Spool& spool) {
    int taken = 0;
    while (spool.Append(std::string(100'000, static_cast<char>('a' + taken % 26)))) ++taken;
    return taken;
  }

  testing::TempDir dir_{"spool"};
  SpoolBudget budget_{kBudget};
};

TEST_F(SpoolTest, BatchesComeBackInOrder) {
  auto spool = Open();
  for (const char* batch : {"one", "", "three"}) EXPECT_TRUE(spool->Append(batch));
  EXPECT_EQ(spool->appended(), 3u);
  for (const char* batch : {"one", "", "three"}) EXPECT_EQ(*spool->Take(), batch);
}

TEST_F(SpoolTest, OneAloneTakesHalfAndLeavesRoomForOthers) {
  auto huge = Open(), small = Open();
  EXPECT_EQ(Fill(*huge), 42);
  EXPECT_EQ(Fill(*small), 21);
  EXPECT_LE(budget_.used(), kBudget);
}

TEST_F(SpoolTest, WhatWasTakenMakesRoom) {
  auto spool = Open();
  const int fits = Fill(*spool);
  for (int i = 0; i < fits; ++i) {
    EXPECT_EQ(*spool->Take(), std::string(100'000, static_cast<char>('a' + i % 26)));
  }
  EXPECT_LT(budget_.used(), 512u << 10);
  EXPECT_GE(Fill(*spool), fits - 4);
  EXPECT_EQ(*spool->Take(), std::string(100'000, 'a')) << "after the hole";
}

TEST_F(SpoolTest, AllRoomIsBackWhenItGoes) {
  Fill(*Open());
  EXPECT_EQ(budget_.used(), 0u);
}

}  // namespace
}  // namespace penstock::extractor

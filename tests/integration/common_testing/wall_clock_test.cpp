#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>

#include "services/common/testing/child_process.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::testing {
namespace {

TEST(WallClock, IsShiftedForTheProcessThatItIsPreloadedInto) {
  const TempDir dir;
  for (const int64_t shift : {int64_t{3600}, int64_t{-3600}}) {
    WriteFile(dir / "clock", {reinterpret_cast<const char*>(&shift), sizeof shift});
    WriteFile(dir / "out", "");
    ASSERT_EQ(RunProgram({.args = {"date", "+%s"},
                          .env = {"LD_PRELOAD=" PENSTOCK_WALL_CLOCK_LIBRARY,
                                  "PENSTOCK_WALL_CLOCK=" + (dir / "clock").string()},
                          .out = dir / "out"}),
              0);
    const int64_t ahead = std::stoll(ReadFile(dir / "out")) - std::time(nullptr);
    EXPECT_NEAR(static_cast<double>(ahead), static_cast<double>(shift), 60);
  }
}

}  // namespace
}  // namespace penstock::testing

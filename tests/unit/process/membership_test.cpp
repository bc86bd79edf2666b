#include "services/common/process/membership.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;

TEST(CheckReleases, OneMinorVersionApartWorks) {
  EXPECT_TRUE(CheckReleases("loader", "1.4.2", "1.4.9").ok());
  EXPECT_TRUE(CheckReleases("loader", "1.4.2", "1.5.0").ok());
  EXPECT_TRUE(CheckReleases("loader", "1.4.2", "1.3.0").ok());
}

TEST(CheckReleases, MoreThanOneDoesNot) {
  for (const char* state : {"1.6.0", "1.2.7", "2.4.2", "0.4.2", "nonsense"}) {
    const absl::Status status = CheckReleases("loader", "1.4.2", state);
    EXPECT_THAT(std::string(status.message()), HasSubstr("this loader is of release 1.4.2"))
        << state;
    EXPECT_THAT(std::string(status.message()), HasSubstr(state));
  }
}

}  // namespace
}  // namespace penstock

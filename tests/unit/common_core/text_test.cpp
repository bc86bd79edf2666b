#include <gtest/gtest.h>

#include "services/common/core/address.h"
#include "services/common/core/nearest.h"
#include "services/common/core/units.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;

TEST(NearestName, FindsWhatWasMeantAndNothingElse) {
  std::string_view names[] = {"primary_key", "destination", "mode", "model"};
  EXPECT_EQ(NearestName("primry_key", names), "primary_key");
  EXPECT_EQ(NearestName("priamry_key", names), "primary_key");
  EXPECT_EQ(NearestName("modle", names), "model");
  EXPECT_EQ(NearestName("schedule", names), "");
  EXPECT_EQ(NearestName("x", names), "");
  EXPECT_EQ(NearestName(std::string(100000, 'm'), names), "");
  EXPECT_EQ(DidYouMean("mod", names), " (did you mean \"mode\"?)");
}

TEST(Duration, IsReadAndShown) {
  EXPECT_EQ(*ParseDuration("250ms"), 250ms);
  EXPECT_EQ(*ParseDuration("1h30m"), 90min);
  EXPECT_EQ(*ParseDuration("2d"), 48h);
  EXPECT_EQ(*ParseDuration("0"), 0s);
  for (std::string_view text : {"90ms", "1m30s", "2d", "1h", "0"})
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  for (std::string_view text : {"", "5", "s", "-1s", "1.5h", "1s1h", "1s1s", "1 s", "5 minutes",
                                "99999999999999999999d", "300000000d"})
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
}

TEST(ByteSize, IsReadAndShown) {
  EXPECT_EQ(*ParseByteSize("500kB"), 500'000u);
  EXPECT_EQ(*ParseByteSize("64MB"), 64'000'000u);
  EXPECT_EQ(*ParseByteSize("1 GiB"), 1u << 30);
  EXPECT_EQ(*ParseByteSize("4096"), 4096u);
  for (std::string_view text : {"500kB", "64MB", "1GiB", "4095"})
    EXPECT_EQ(FormatByteSize(*ParseByteSize(text)), text);
  for (std::string_view text : {"", "MB", "1mb", "-1", "1.5MB", "9999999999TB", "1MBs"})
    EXPECT_FALSE(ParseByteSize(text).ok()) << text;
}

TEST(HostPort, IsReadWithNamesAndBothFamilies) {
  EXPECT_EQ(ParseHostPort("state.internal:7071")->host, "state.internal");
  EXPECT_EQ(ParseHostPort("[::1]:80")->host, "::1");
  EXPECT_EQ(ParseHostPort(":0")->host, "");
  EXPECT_EQ(ParseHostPort("127.0.0.1:65535")->port, 65535);
  for (std::string_view text : {"", "host", "host:", "host:x", "host:65536", "::1:80", "host:-1"})
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
}

}  // namespace
}  // namespace penstock

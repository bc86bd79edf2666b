#include "services/common/net/url.h"

#include <gtest/gtest.h>

#include "services/common/core/percent_encode.h"

namespace penstock {
namespace {

TEST(BaseUrl, IsReadIntoOriginAndPath) {
  const auto url = ParseBaseUrl("HTTPS://Api.Example.com/v1/");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->origin, (Origin{true, "api.example.com", 443}));
  EXPECT_EQ(url->path, "/v1");
  EXPECT_EQ(url->origin.ToString(), "https://api.example.com");

  const auto local = ParseBaseUrl("http://127.0.0.1:8080");
  ASSERT_TRUE(local.ok());
  EXPECT_EQ(local->origin, (Origin{false, "127.0.0.1", 8080}));
  EXPECT_EQ(local->path, "");
  EXPECT_EQ(local->origin.HostHeader(), "127.0.0.1:8080");

  const auto ipv6 = ParseBaseUrl("http://[::1]:81/a/b");
  ASSERT_TRUE(ipv6.ok());
  EXPECT_EQ(ipv6->origin.host, "::1");
  EXPECT_EQ(ipv6->origin.HostHeader(), "[::1]:81");
}

TEST(BaseUrl, RefusesWhatIsNoBaseUrl) {
  for (const char* text :
       {"", "api.example.com", "ftp://x", "https://", "https://u:p@x/", "https://x/?a=1",
        "https://x/#f", "https://x:0/", "https://x:99999/", "https://x/a b"}) {
    EXPECT_FALSE(ParseBaseUrl(text).ok()) << text;
  }
}

TEST(PercentEncoding, LeavesNothingThatCouldEndASegment) {
  EXPECT_EQ(PercentEncode("a/b?c#d e%&+\r\n\xC3\xA9"), "a%2Fb%3Fc%23d%20e%25%26%2B%0D%0A%C3%A9");
  EXPECT_EQ(PercentEncode("AZaz09-._~"), "AZaz09-._~");
}

}  // namespace
}  // namespace penstock

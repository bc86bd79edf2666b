#include "services/common/net/proxy.h"

#include <gmock/gmock.h>

#include <map>

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<ProxyRules> Rules(const std::map<std::string, std::string>& environment) {
  return ProxyRules::FromEnvironment([&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

// The proxy's URL on the way to `target`; "" for none.
std::string Way(const std::map<std::string, std::string>& environment, const std::string& target) {
  const auto rules = Rules(environment);
  EXPECT_TRUE(rules.ok()) << rules.status();
  const Proxy* proxy = rules->For(ParseBaseUrl(target)->origin);
  return proxy == nullptr ? "" : proxy->origin.ToString();
}

TEST(ProxyRules, AreOfTheScheme) {
  const std::map<std::string, std::string> both = {{"HTTP_PROXY", "http://plain:3128"},
                                                   {"https_proxy", "tls:8080"},
                                                   {"HTTPS_PROXY", "http://other:1"}};
  EXPECT_EQ(Way(both, "http://a.example"), "http://plain:3128");
  EXPECT_EQ(Way(both, "https://a.example"), "http://tls:8080") << "lower case is taken first";
  EXPECT_EQ(Way({{"HTTP_PROXY", "http://plain"}}, "https://a.example"), "");
  EXPECT_EQ(Way({{"HTTPS_PROXY", ""}}, "https://a.example"), "");
}

TEST(ProxyRules, ExceptHostsAddressesAndNetworks) {
  const auto excepted = [](const std::string& list, const std::string& target) {
    return Way({{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", list}}, target).empty();
  };
  EXPECT_TRUE(excepted("*", "https://a.example"));
  for (const char* list : {"example.com", ".example.com", "*.example.com", "x, EXAMPLE.com"}) {
    EXPECT_TRUE(excepted(list, "https://example.com")) << list;
    EXPECT_TRUE(excepted(list, "https://api.example.com")) << list;
    EXPECT_FALSE(excepted(list, "https://notexample.com")) << list;
  }
  EXPECT_TRUE(excepted("a.example:8443", "https://a.example:8443"));
  EXPECT_FALSE(excepted("a.example:8443", "https://a.example"));
  EXPECT_TRUE(excepted("10.1.2.3", "https://10.1.2.3"));
  EXPECT_TRUE(excepted("10.0.0.0/8", "https://10.1.2.3"));
  EXPECT_FALSE(excepted("10.0.0.0/8", "https://11.1.2.3"));
  EXPECT_FALSE(excepted("10.0.0.0/8", "https://ten.example")) << "names are not looked up for it";
  EXPECT_TRUE(excepted("::1", "https://[::1]"));
  EXPECT_TRUE(excepted("[::1]:443", "https://[::1]"));
  EXPECT_TRUE(excepted("fd00::/8", "https://[fd12::1]"));
  EXPECT_FALSE(excepted("fd00::/8", "https://10.1.2.3"));
  EXPECT_FALSE(excepted("", "https://a.example"));
}

TEST(ProxyRules, HoldCredentialsThatNobodySees) {
  const auto rules = Rules({{"HTTPS_PROXY", "http://us%40er:p%3Aw@proxy:3128"}});
  const Proxy* proxy = rules->For(ParseBaseUrl("https://a.example")->origin);
  EXPECT_EQ(proxy->authorization, "Basic dXNAZXI6cDp3");
  EXPECT_EQ(proxy->origin.ToString(), "http://proxy:3128");
}

TEST(ProxyRules, SayWhichVariableIsWrong) {
  const auto message = [](const std::map<std::string, std::string>& environment) {
    return std::string(Rules(environment).status().message());
  };
  EXPECT_EQ(
      message({{"HTTPS_PROXY", "https://u:secret@proxy"}}),
      "HTTPS_PROXY names a proxy that is not spoken to in plain HTTP, which is not supported; "
      "write it as http://[user:password@]host[:port]");
  EXPECT_THAT(message({{"http_proxy", "http://u:secret@ho st"}}), HasSubstr("HTTP_PROXY is not a"));
  EXPECT_THAT(message({{"http_proxy", "http://u:secret@ho st"}}), Not(HasSubstr("secret")));
  EXPECT_EQ(message({{"NO_PROXY", "10.0.0.0/40"}}),
            "NO_PROXY: 10.0.0.0/40 is no network; write it like 10.0.0.0/8");
}

}  // namespace
}  // namespace penstock

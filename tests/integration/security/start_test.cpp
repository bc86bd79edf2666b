// What is wrong with a certificate ends a service at once, with one line.
#include <gmock/gmock.h>

#include "services/common/testing/temp_dir.h"
#include "tests/integration/security/programs.h"
#include "tests/support/tls/authority.h"

namespace penstock::testing {
namespace {

using ::testing::HasSubstr;

TEST(WrongCertificates, EndEveryServiceAtOnceWithTheFilesName) {
  const TempDir dir("wrong-certificates");
  const test::Authority own, other("Another authority");
  const auto good = own.Issue({"127.0.0.1"});
  const auto give = [&](const test::Authority::Pair& pair, const std::string& key) {
    WriteFile(dir / "ca.pem", own.Pem());
    WriteFile(dir / "cert.pem", pair.cert);
    WriteFile(dir / "key.pem", key);
  };
  const auto hour = std::chrono::hours(1);
  const auto refusal = [&](const std::string& service, const std::string& prefix) {
    const ProgramEnd end = RunService(
        service,
        {{prefix + "tls-cert-file", dir / "cert.pem"},
         {prefix + "tls-key-file", dir / "key.pem"},
         {prefix + (prefix.empty() ? "tls-client-ca-file" : "tls-ca-file"), dir / "ca.pem"}});
    EXPECT_EQ(end.code, 2) << service << prefix << end.err;
    return end.err.substr(std::min(end.err.size(), end.err.find("penstock-" + service)));
  };
  for (const std::string& service : kServices) {
    const std::string says = "penstock-" + service + ": ";
    for (const std::string prefix : {"", "peer-"}) {
      if (service == "state" && !prefix.empty()) continue;
      give(good, own.Issue({"127.0.0.1"}).key);
      EXPECT_EQ(refusal(service, prefix), says + (dir / "key.pem").string() +
                                              ": is not the key of the certificate in " +
                                              (dir / "cert.pem").string() + "\n");
      const auto late = own.Issue({"127.0.0.1"}, -2 * hour, -hour);
      give(late, late.key);
      EXPECT_THAT(refusal(service, prefix), HasSubstr(says + (dir / "cert.pem").string() +
                                                      ": the certificate expired on 20"));
      // The API's clients may have certificates of other authorities than the planner.
      if (service == "planner" && prefix.empty()) continue;
      const auto foreign = other.Issue({"127.0.0.1"});
      give(foreign, foreign.key);
      EXPECT_EQ(refusal(service, prefix), says + (dir / "cert.pem").string() +
                                              ": no authority in " + (dir / "ca.pem").string() +
                                              " vouches for the certificate\n");
    }
  }
}

}  // namespace
}  // namespace penstock::testing

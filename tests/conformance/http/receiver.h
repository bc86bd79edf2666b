#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/http/test_server.h"

namespace penstock::loader {

// A destination that asks for one kind of proof and one form of body, and checks both by its own
// means. POST /records takes the body's records, POST /token gives access tokens. Thread-safe.
class Receiver {
 public:
  // `auth`: "none", "basic", "bearer", "api_key", "api_key_query", "oauth2", "oauth2_body",
  // "github", "slack", "stripe" or "standard_webhooks" (signatures as these make them).
  // `format`: "json" ({"records": [{id, name}]}), "ndjson" or "form" (id=…&name=…).
  Receiver(std::string auth, std::string format, bool single);

  const std::string& url() const { return url_; }
  void SetSecret(const std::string& secret);
  // Records with this id are refused.
  void Refuse(const std::string& id);
  // Access tokens given so far are taken no more.
  void RevokeTokens();

  std::vector<std::string> taken() const;  // ids
  std::vector<std::string> complaints() const;
  int tokens_given() const;
  std::vector<test::SeenRequest> seen() const { return server_.seen(); }

 private:
  test::TestAnswer Answer(const test::SeenRequest& request);
  test::TestAnswer GiveToken(const test::SeenRequest& request);
  test::TestAnswer TakeRecords(const test::SeenRequest& request);
  bool IsProven(const test::SeenRequest& request) const;
  bool IsSigned(const test::SeenRequest& request) const;
  std::vector<std::string> IdsOf(const test::SeenRequest& request);

  const std::string auth_, format_;
  const bool single_;
  mutable std::mutex mutex_;
  std::string secret_ = "first-secret";
  std::string refused_;
  std::set<std::string> tokens_;
  int tokens_given_ = 0;
  std::vector<std::string> taken_, complaints_;
  test::TestServer server_;  // last: its threads use all of the above
  std::string url_;
};

}  // namespace penstock::loader

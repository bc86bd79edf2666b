#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/http/test_server.h"

namespace penstock::scenario {

// What a destination does with a request, and what it answers.
struct StoreAnswer {
  enum class Body {
    kResults,
    kHtml,
    kTruncated,
    kWrongLength,
    kEndless,
    kEmpty,
    kHuge,            // an answer as it should be, with 20 MB of white space in it
    kEndlessHeaders,  // a header without end
    kTrickle,         // byte by byte, without end
  };

  bool apply = true;          // the records are stored (before any delay) …
  bool drop = false;          // … and the connection is closed without an answer
  std::optional<int> status;  // in place of 200
  Body body = Body::kResults;
  std::chrono::milliseconds delay{0};  // before the answer
  std::optional<int> retry_after_s;
  std::string location;  // of a redirect
  std::string
      refuse_code;  // set: only the records that the rule matches are refused, with this code
  std::string message = "no";  // of a status other than 2xx, byte by byte
};

// When an answer is given: the first rule that matches a request decides.
struct StoreRule {
  std::string operation;  // "": any
  std::string key;        // "": any; else a request with this key in it
  int skip = 0;           // matching requests that pass before the rule begins
  int times = -1;         // how often it is used then; -1: always
  StoreAnswer answer;
};

// A record in a request that arrived.
struct StoreWrite {
  std::string operation;
  std::string key;
  std::map<std::string, std::string> fields;  // as text; NULL is "null"
  bool applied = false;
};

// The destination of scenarios: records by key, over HTTP. POST /upsert, /update, /insert and
// /remove take {"records": [{"n": "0", "key": …, "idem": …, "fields": {…}}]}, or such a record per
// line (application/x-ndjson), or one as a form, whose further names are its fields; each also as
// gzip. It answers with a result or an error per record ("exists", "missing", or what a rule says),
// and keeps its content and a log of every record that arrived. Thread-safe.
class KeyedStore {
 public:
  using Content = std::map<std::string, std::map<std::string, std::string>>;

  // With TLS when certificate and key are given.
  explicit KeyedStore(test::TestServerOptions options = {});

  std::string url() const { return server_.url(); }
  uint16_t port() const { return server_.port(); }

  // Replaces all rules.
  void SetRules(std::vector<StoreRule> rules);
  // How requests prove who sends them, by the token of SetToken. Bearer: it is the token. OAuth2:
  // it is the secret of client "penstock" at POST /access, whose tokens are good for so many
  // seconds. Hmac: X-Signature is "sha256=" and the body's HMAC by it in hex.
  enum class Auth : uint8_t { kBearer, kOAuth2, kHmac };
  void SetAuth(Auth auth, std::chrono::seconds tokens_last = {});
  // Requests without this proof get 401. "" takes anyone.
  void SetToken(std::string token);
  // Access tokens given so far.
  int tokens_given() const;
  // Request bodies that came as gzip so far.
  int compressed() const;
  // A record whose idempotency key was stored before is answered, but not stored once more.
  void HonourIdempotencyKeys() { honours_idempotency_ = true; }

  Content content() const;
  std::vector<StoreWrite> log() const;
  // The most requests that it had at once, by when they arrived and how long their answers took.
  int most_at_once() const;

 private:
  struct Record;

  // Nothing for what holds no records.
  static std::optional<std::vector<Record>> Parse(const test::SeenRequest& request);
  static Record ToRecord(const boost::json::object& object);
  static std::vector<Record> ParseLines(const std::string& body);
  static Record ParseForm(const std::string& body);
  bool IsProven(const test::SeenRequest& request) const;
  test::TestAnswer GiveToken(const test::SeenRequest& request);
  test::TestAnswer Answer(const test::SeenRequest& request);
  // The answer to a request as the rules have it, and the keys of the rule.
  StoreAnswer Choose(const std::string& operation, const std::vector<Record>& records,
                     std::string& rule_key);
  // The error's code, or "" when the record is stored.
  std::string Store(const std::string& operation, const Record& record);

  mutable std::mutex mutex_;
  std::vector<StoreRule> rules_;
  std::string token_;
  Auth auth_ = Auth::kBearer;
  std::chrono::seconds tokens_last_{};
  std::map<std::string, std::chrono::steady_clock::time_point> access_;  // tokens by their end
  int tokens_given_ = 0, compressed_ = 0;
  bool honours_idempotency_ = false;
  Content content_;
  std::set<std::string> idempotency_keys_;
  std::vector<StoreWrite> log_;
  std::vector<std::pair<std::chrono::steady_clock::time_point, std::chrono::milliseconds>> served_;
  test::TestServer server_;  // last: its threads use all of the above
};

}  // namespace penstock::scenario

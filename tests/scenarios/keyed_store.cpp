#include "tests/scenarios/keyed_store.h"

#include <algorithm>
#include <boost/json.hpp>
#include <sstream>

#include "tests/support/http/decode.h"

namespace penstock::scenario {
namespace {

namespace json = boost::json;

std::string Text(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

}  // namespace

struct KeyedStore::Record {
  std::string n, key, idempotency_key;
  std::map<std::string, std::string> fields;
};

KeyedStore::KeyedStore(test::TestServerOptions options)
    : server_([this](const test::SeenRequest& request) { return Answer(request); },
              std::move(options)) {}

void KeyedStore::SetRules(std::vector<StoreRule> rules) {
  std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
}

void KeyedStore::SetToken(std::string token) {
  std::lock_guard lock(mutex_);
  token_ = std::move(token);
  access_.clear();
}

void KeyedStore::SetAuth(Auth auth, std::chrono::seconds tokens_last) {
  std::lock_guard lock(mutex_);
  auth_ = auth;
  tokens_last_ = tokens_last;
}

int KeyedStore::tokens_given() const {
  std::lock_guard lock(mutex_);
  return tokens_given_;
}

int KeyedStore::compressed() const {
  std::lock_guard lock(mutex_);
  return compressed_;
}

KeyedStore::Content KeyedStore::content() const {
  std::lock_guard lock(mutex_);
  return content_;
}

std::vector<StoreWrite> KeyedStore::log() const {
  std::lock_guard lock(mutex_);
  return log_;
}

int KeyedStore::most_at_once() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::chrono::steady_clock::time_point, int>> changes;
  for (const auto& [arrived, delay] : served_) {
    changes.emplace_back(arrived, 1);
    changes.emplace_back(arrived + delay, -1);
  }
  std::sort(changes.begin(), changes.end());
  int now = 0, most = 0;
  for (const auto& [when, change] : changes) most = std::max(most, now += change);
  return most;
}

StoreAnswer KeyedStore::Choose(const std::string& operation, const std::vector<Record>& records,
                               std::string& rule_key) {
  for (StoreRule& rule : rules_) {
    if (rule.times == 0) continue;
    if (!rule.operation.empty() && rule.operation != operation) continue;
    const bool has_key =
        rule.key.empty() || std::any_of(records.begin(), records.end(),
                                        [&](const Record& r) { return r.key == rule.key; });
    if (!has_key) continue;
    if (rule.skip > 0) {
      --rule.skip;
      continue;
    }
    if (rule.times > 0) --rule.times;
    rule_key = rule.key;
    return rule.answer;
  }
  return {};
}

std::string KeyedStore::Store(const std::string& operation, const Record& record) {
  if (honours_idempotency_ && !idempotency_keys_.insert(record.idempotency_key).second) return {};
  const bool exists = content_.contains(record.key);
  if (operation == "insert" && exists) return "exists";
  if ((operation == "update" || operation == "remove") && !exists) return "missing";
  if (operation == "remove") {
    content_.erase(record.key);
    return {};
  }
  auto& stored = content_[record.key];
  for (const auto& [name, value] : record.fields) stored[name] = value;
  return {};
}

KeyedStore::Record KeyedStore::ToRecord(const json::object& object) {
  Record record{Text(object.at("n")), Text(object.at("key")), Text(object.at("idem")), {}};
  if (const json::value* fields = object.if_contains("fields")) {
    for (const auto& [name, value] : fields->as_object()) record.fields[name] = Text(value);
  }
  return record;
}

std::vector<KeyedStore::Record> KeyedStore::ParseLines(const std::string& body) {
  std::vector<Record> records;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    records.push_back(ToRecord(json::parse(line).as_object()));
  }
  return records;
}

KeyedStore::Record KeyedStore::ParseForm(const std::string& body) {
  Record record;
  for (auto& [name, value] : test::ParseForm(body)) {
    if (name == "n") {
      record.n = value;
    } else if (name == "key") {
      record.key = value;
    } else if (name == "idem") {
      record.idempotency_key = value;
    } else {
      record.fields[name] = value;
    }
  }
  return record;
}

std::optional<std::vector<KeyedStore::Record>> KeyedStore::Parse(const test::SeenRequest& request) {
  std::string body = request.body;
  if (request.headers.contains("content-encoding")) body = test::Gunzip(body);
  const auto type = request.headers.find("content-type");
  const std::string form = type == request.headers.end() ? "" : type->second;
  if (form == "application/x-ndjson") return ParseLines(body);
  if (form == "application/x-www-form-urlencoded") return std::vector{ParseForm(body)};
  json::error_code error;
  const json::value whole = json::parse(body, error);
  if (error || !whole.is_object() || !whole.as_object().contains("records")) return std::nullopt;
  std::vector<Record> records;
  for (const json::value& element : whole.at("records").as_array()) {
    records.push_back(ToRecord(element.as_object()));
  }
  return records;
}

bool KeyedStore::IsProven(const test::SeenRequest& request) const {
  if (token_.empty()) return true;
  const auto header = [&](const char* name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
  };
  if (auth_ == Auth::kHmac) {
    return header("x-signature") == "sha256=" + test::HmacHex("sha256", token_, request.body);
  }
  const std::string authorization = header("authorization");
  if (auth_ == Auth::kBearer) return authorization == "Bearer " + token_;
  const auto access =
      authorization.starts_with("Bearer ") ? access_.find(authorization.substr(7)) : access_.end();
  return access != access_.end() && std::chrono::steady_clock::now() < access->second;
}

test::TestAnswer KeyedStore::GiveToken(const test::SeenRequest& request) {
  auto form = test::ParseForm(request.body);
  if (form["client_id"] != "penstock" || form["client_secret"] != token_) {
    return test::Respond(
        401, R"({"error":"invalid_client","error_description":"the secret is another one"})");
  }
  const std::string token = "access-" + std::to_string(++tokens_given_);
  access_[token] = std::chrono::steady_clock::now() + tokens_last_;
  return test::Respond(200, R"({"access_token":")" + token + R"(","token_type":"bearer",)" +
                                R"("expires_in":)" + std::to_string(tokens_last_.count()) + "}");
}

test::TestAnswer KeyedStore::Answer(const test::SeenRequest& request) {
  // Without the lock: a large request keeps no other waiting.
  const bool asks_for_token = request.target == "/access";
  const std::optional<std::vector<Record>> parsed = asks_for_token ? std::nullopt : Parse(request);
  std::lock_guard lock(mutex_);
  if (asks_for_token) return GiveToken(request);
  if (!IsProven(request)) return test::Respond(401, R"({"message":"who are you?"})");
  if (request.headers.contains("content-encoding")) ++compressed_;
  if (!parsed) return test::Respond(200, R"({"results":[]})");  // a probe
  const std::string operation = request.target.substr(1);
  const std::vector<Record>& records = *parsed;

  std::string rule_key;
  const StoreAnswer answer = Choose(operation, records, rule_key);
  served_.emplace_back(std::chrono::steady_clock::now(), answer.delay);
  json::array results, errors;
  for (const Record& record : records) {
    std::string code;
    if (!answer.refuse_code.empty() && (rule_key.empty() || rule_key == record.key)) {
      code = answer.refuse_code;
    } else if (answer.apply) {
      code = Store(operation, record);
    }
    log_.push_back({operation, record.key, record.fields, answer.apply && code.empty()});
    if (code.empty()) {
      results.push_back(json::object{{"n", record.n}});
    } else {
      errors.push_back(
          json::object{{"n", record.n}, {"code", code}, {"message", "the store says: " + code}});
    }
  }

  const std::string text =
      json::serialize(json::object{{"results", std::move(results)}, {"errors", std::move(errors)}});
  test::TestAnswer out;
  std::string headers;
  if (answer.retry_after_s)
    headers += "Retry-After: " + std::to_string(*answer.retry_after_s) + "\r\n";
  if (!answer.location.empty()) headers += "Location: " + answer.location + "\r\n";
  using Body = StoreAnswer::Body;
  switch (answer.body) {
    case Body::kResults:
      out = test::Respond(
          answer.status.value_or(200),
          answer.status.value_or(200) < 300 ? text : R"({"message":")" + answer.message + "\"}",
          headers);
      break;
    case Body::kHtml:
      out = test::Respond(answer.status.value_or(200), "<html>Please log in</html>", headers,
                          "text/html");
      break;
    case Body::kTruncated:
      out = test::Respond(answer.status.value_or(200), text.substr(0, text.size() / 2), headers);
      break;
    case Body::kWrongLength:
      out = test::Respond(200, text, headers);
      out.bytes.resize(out.bytes.size() - 3);
      out.close = true;
      break;
    case Body::kEndless:
      out.bytes =
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
          "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"res\r\n";
      out.endless = true;
      break;
    case Body::kEmpty:
      out = test::Respond(204, "", headers);
      break;
    case Body::kHuge:
      out = test::Respond(200, text + std::string(20 << 20, ' '), headers);
      break;
    case Body::kEndlessHeaders:
      out.bytes = "HTTP/1.1 200 OK\r\nX-Endless: ";
      out.endless = true;
      break;
    case Body::kTrickle:
      out.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
      out.endless = true;
      out.trickle = std::chrono::milliseconds(20);
      break;
  }
  out.delay = answer.delay;
  if (answer.drop) {
    out.bytes.clear();
    out.close = true;
  }
  return out;
}

}  // namespace penstock::scenario

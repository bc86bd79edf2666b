#include "tests/scenarios/keyed_store.h"

#include <algorithm>
#include <boost/json.hpp>

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

std::optional<std::vector<KeyedStore::Record>> KeyedStore::Parse(const std::string& body) {
  json::error_code error;
  const json::value whole = json::parse(body, error);
  if (error || !whole.is_object() || !whole.as_object().contains("records")) return std::nullopt;
  std::vector<Record> records;
  for (const json::value& element : whole.at("records").as_array()) {
    const json::object& object = element.as_object();
    Record& record = records.emplace_back(
        Record{Text(object.at("n")), Text(object.at("key")), Text(object.at("idem")), {}});
    if (const json::value* fields = object.if_contains("fields")) {
      for (const auto& [name, value] : fields->as_object()) record.fields[name] = Text(value);
    }
  }
  return records;
}

test::TestAnswer KeyedStore::Answer(const test::SeenRequest& request) {
  // Without the lock: a large request keeps no other waiting.
  const std::optional<std::vector<Record>> parsed = Parse(request.body);
  std::lock_guard lock(mutex_);
  if (auto authorization = request.headers.find("authorization");
      !token_.empty() &&
      (authorization == request.headers.end() || authorization->second != "Bearer " + token_))
    return test::Respond(401, R"({"message":"who are you?"})");
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

#include "tests/scenarios/answers.h"

#include "fmt/format.h"
#include "tests/scenarios/world.h"

namespace penstock::scenario {
namespace {

StoreAnswer ReadWord(const std::string& word) {
  using Body = StoreAnswer::Body;
  static const std::map<std::string, StoreAnswer> kWords = {
      {"drop", {.apply = false, .drop = true}},
      {"apply_drop", {.drop = true}},
      {"apply_hang", {.drop = true, .delay = std::chrono::seconds(3)}},
      {"apply_504", {.status = 504}},
      {"html", {.body = Body::kHtml}},
      {"truncated", {.body = Body::kTruncated}},
      {"wrong_length", {.body = Body::kWrongLength}},
      {"endless", {.body = Body::kEndless}},
      {"empty", {.body = Body::kEmpty}},
      {"huge", {.body = Body::kHuge}},
      {"endless_headers", {.body = Body::kEndlessHeaders}},
      {"trickle", {.body = Body::kTrickle}},
      {"latin1", {.apply = false, .status = 400, .message = "caf\xe9"}},
      {"nul", {.apply = false, .status = 400, .message = "a\\u0000b"}},
      {"redirect", {.apply = false, .status = 302, .location = "http://elsewhere.example/upsert"}},
  };
  auto found = kWords.find(word);
  if (found == kWords.end()) throw Failure(fmt::format("\"{}\" is no answer", word));
  return found->second;
}

StoreAnswer ReadAnswer(const YAML::Node& node) {
  if (node.IsScalar()) return ReadWord(node.as<std::string>());
  OnlyFields(node, {"status", "retry_after", "delay", "refuse"});
  StoreAnswer answer;
  if (node["status"]) answer.status = node["status"].as<int>();
  answer.apply = answer.status.value_or(200) < 300;
  if (node["retry_after"]) answer.retry_after_s = node["retry_after"].as<int>();
  if (node["delay"]) answer.delay = std::chrono::milliseconds(node["delay"].as<int>());
  if (node["refuse"]) answer.refuse_code = node["refuse"].as<std::string>();
  return answer;
}

}  // namespace

std::vector<StoreRule> ReadRules(const YAML::Node& rules) {
  std::vector<StoreRule> out;
  for (const YAML::Node& node : rules) {
    OnlyFields(node, {"operation", "key", "skip", "times", "answer"});
    StoreRule& rule = out.emplace_back();
    if (node["operation"]) rule.operation = node["operation"].as<std::string>();
    if (node["key"]) rule.key = node["key"].as<std::string>();
    if (node["skip"]) rule.skip = node["skip"].as<int>();
    if (node["times"]) rule.times = node["times"].as<int>();
    if (!node["answer"]) throw Failure("a rule of the destination has no answer");
    rule.answer = ReadAnswer(node["answer"]);
  }
  return out;
}

}  // namespace penstock::scenario

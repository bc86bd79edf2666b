#include "services/common/config/resource_yaml.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "fmt/format.h"
#include "services/common/core/utf8.h"

namespace penstock {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxValues = 200'000;

// Unwinds yaml-cpp's parser, which has no other way to stop.
struct Refusal {
  YamlProblem problem;
};

// Builds the tree of one document from the parser's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<YamlProblem>& problems) : problems_(problems) {}

  YamlValue TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {
    root_ = {};
    stack_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Add(mark, {.kind = YamlValue::Kind::kNull});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{{mark.line + 1, "aliases (*name) are not supported; write the value out"}};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    constexpr std::string_view kTextTag = "tag:yaml.org,2002:str";
    CheckTag(mark, tag, tag == kTextTag);
    if (value.find('\0') != value.npos)
      throw Refusal{{mark.line + 1, "a text holds the character NUL, which nothing can store"}};
    Add(mark, {.kind = YamlValue::Kind::kScalar, .quoted = tag != "?", .text = value});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    CheckTag(mark, tag, false);
    Open(mark, YamlValue::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    CheckTag(mark, tag, false);
    Open(mark, YamlValue::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A container that is being filled; in a map `member` is the one whose value comes next.
  struct Container {
    YamlValue value;
    std::optional<YamlMember> member;
    std::set<std::string> keys;
  };

  static void CheckTag(const YAML::Mark& mark, const std::string& tag, bool allowed) {
    if (!allowed && !tag.empty() && tag != "?" && tag != "!")
      throw Refusal{{mark.line + 1, fmt::format("the tag {} is not supported; leave it out", tag)}};
  }

  void Open(const YAML::Mark& mark, YamlValue::Kind kind) {
    if (stack_.size() == kMaxDepth)
      throw Refusal{{mark.line + 1, fmt::format("nested over {} levels deep", kMaxDepth)}};
    Count(mark);
    stack_.push_back({.value = {.kind = kind, .line = mark.line + 1}});
  }
  void Close() {
    YamlValue done = std::move(stack_.back().value);
    stack_.pop_back();
    Attach(std::move(done));
  }
  void Add(const YAML::Mark& mark, YamlValue value) {
    Count(mark);
    value.line = mark.line + 1;
    Attach(std::move(value));
  }
  void Count(const YAML::Mark& mark) {
    if (++values_ > kMaxValues)
      throw Refusal{{mark.line + 1,
                     fmt::format("over {} values in one document; split the file", kMaxValues)}};
  }

  void Attach(YamlValue value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Container& parent = stack_.back();
    if (parent.value.kind == YamlValue::Kind::kList) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.member.has_value()) {
      parent.member = MakeKey(parent, std::move(value));
    } else {
      parent.member->value = std::move(value);
      parent.value.members.push_back(std::move(*parent.member));
      parent.member.reset();
    }
  }

  YamlMember MakeKey(Container& parent, YamlValue value) {
    YamlMember member{.line = value.line};
    if (value.kind == YamlValue::Kind::kList) {
      for (YamlValue& item : value.items) {
        if (item.kind != YamlValue::Kind::kScalar) RefuseKey(value.line);
        if (!member.key.empty()) member.key += '.';
        member.key += item.text;
        member.segments.push_back(std::move(item.text));
      }
    } else if (value.kind == YamlValue::Kind::kScalar) {
      member.key = std::move(value.text);
    } else {
      RefuseKey(value.line);
    }
    if (!parent.keys.insert(member.key).second)
      problems_.push_back({member.line, fmt::format("\"{}\" is given twice", member.key)});
    return member;
  }
  [[noreturn]] static void RefuseKey(int line) {
    throw Refusal{{line, "a field's name must be text (write \"null\" in quotes)"}};
  }

  std::vector<YamlProblem>& problems_;
  YamlValue root_;
  std::vector<Container> stack_;
  size_t values_ = 0;
};

}  // namespace

const YamlValue* YamlValue::Find(std::string_view key) const {
  auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

namespace {

std::string_view Line(std::string_view text, int number) {
  for (; number > 0 && text.find('\n') != text.npos; --number)
    text.remove_prefix(text.find('\n') + 1);
  return text.substr(0, text.find('\n'));
}

// A cron expression is what people forget to put in quotes.
std::string WithHint(const std::string& message, std::string_view line) {
  for (std::string_view start : {": *", ": @"}) {
    if (line.find(start) != line.npos)
      return fmt::format("{}; a text that begins with {} must be in quotes", message, start[2]);
  }
  return message;
}

}  // namespace

std::vector<YamlValue> ParseYaml(std::string_view text, std::vector<YamlProblem>& problems) {
  std::vector<YamlValue> documents;
  if (!IsUtf8(text)) {
    int line = 1;
    for (std::string_view rest = text; IsUtf8(rest.substr(0, rest.find('\n'))); ++line)
      rest.remove_prefix(rest.find('\n') + 1);
    problems.push_back({line, "the file is not UTF-8; save it as UTF-8"});
    return documents;
  }
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder(problems);
    while (parser.HandleNextDocument(builder)) {
      YamlValue root = builder.TakeRoot();
      if (root.kind != YamlValue::Kind::kNull) documents.push_back(std::move(root));
    }
  } catch (const Refusal& refusal) {
    problems.push_back(refusal.problem);
  } catch (const YAML::Exception& e) {
    problems.push_back({e.mark.line + 1, WithHint(e.msg, Line(text, e.mark.line))});
  }
  return documents;
}

}  // namespace penstock

#include "cli/resource_diff.h"

#include "cli/output.h"

namespace penstock::cli {
namespace {

class Differ {
 public:
  void Compare(const std::string& path, const YamlValue& before, const YamlValue& after) {
    if (before.kind == YamlValue::Kind::kMap && after.kind == YamlValue::Kind::kMap)
      return CompareMaps(path, before, after);
    std::string from = FlowText(before);
    std::string to = FlowText(after);
    if (from != to) changes_.push_back({path, std::move(from), std::move(to)});
  }
  std::vector<FieldChange> Take() { return std::move(changes_); }

 private:
  void CompareMaps(const std::string& path, const YamlValue& before, const YamlValue& after) {
    const auto inner = [&](const std::string& key) {
      return path.empty() ? key : path + "." + key;
    };
    for (const YamlMember& member : after.members) {
      if (const YamlValue* old = before.Find(member.key)) {
        Compare(inner(member.key), *old, member.value);
      } else {
        changes_.push_back({inner(member.key), "", FlowText(member.value)});
      }
    }
    for (const YamlMember& member : before.members) {
      if (after.Find(member.key) == nullptr)
        changes_.push_back({inner(member.key), FlowText(member.value), ""});
    }
  }

  std::vector<FieldChange> changes_;
};

}  // namespace

std::vector<FieldChange> DiffDocuments(const YamlValue& before, const YamlValue& after) {
  Differ differ;
  differ.Compare("", before, after);
  return differ.Take();
}

}  // namespace penstock::cli

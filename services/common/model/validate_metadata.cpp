#include <algorithm>

#include "services/common/model/validate_report.h"

// Names and labels, under the rules of Kubernetes:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
namespace penstock {
namespace {

constexpr size_t kMaxName = 63;
constexpr size_t kMaxPrefix = 253;
constexpr size_t kMaxDescription = 1000;

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool IsAlphanumeric(char c) {
  return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z');
}

// At most 63 letters, digits, '-', '_', '.', with a letter or digit at both ends.
bool IsLabelText(std::string_view text) {
  if (text.empty() || text.size() > kMaxName) return false;
  return IsAlphanumeric(text.front()) && IsAlphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsDnsSubdomain(std::string_view text) {
  if (text.size() > kMaxPrefix) return false;
  while (true) {
    size_t dot = text.find('.');
    if (!IsDnsLabel(text.substr(0, dot))) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsLabelKey(std::string_view key) {
  size_t slash = key.find('/');
  if (slash == key.npos) return IsLabelText(key);
  return IsDnsSubdomain(key.substr(0, slash)) && IsLabelText(key.substr(slash + 1));
}

}  // namespace

bool IsDnsLabel(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  return IsLowerOrDigit(name.front()) && IsLowerOrDigit(name.back()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}

void ValidateMetadata(const Metadata& meta, const ProblemReport& report) {
  constexpr std::string_view kNameRule =
      "\" is no valid name; use lower-case letters, digits and dashes, at most 63, a letter or "
      "digit first and last";
  const auto bad_name = [&](const char* field, const std::string& name) {
    report.Add(field, "\"" + name + std::string(kNameRule));
  };
  if (report.Require("metadata.name", meta.name) && !IsDnsLabel(meta.name))
    bad_name("metadata.name", meta.name);
  if (!meta.renamed_from.empty() && !IsDnsLabel(meta.renamed_from))
    bad_name("metadata.renamed_from", meta.renamed_from);
  if (!meta.renamed_from.empty() && meta.renamed_from == meta.name)
    report.Add("metadata.renamed_from", "is the resource's own name; remove it");
  if (meta.description.size() > kMaxDescription)
    report.Add("metadata.description", "is over 1000 bytes long; shorten it");
  for (const auto& [key, value] : meta.labels) {
    if (!IsLabelKey(key))
      report.Add("metadata.labels." + key,
                 "is no valid label; use letters, digits, '-', '_' and '.', at most 63, a letter "
                 "or digit first and last");
    if (!value.empty() && !IsLabelText(value))
      report.Add("metadata.labels." + key,
                 "\"" + value + "\" is no valid value of a label; use letters, digits, '-', '_' " +
                     "and '.', at most 63, a letter or digit first and last");
  }
}

}  // namespace penstock

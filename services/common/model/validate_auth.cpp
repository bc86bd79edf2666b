#include <algorithm>
#include <array>
#include <span>

#include "services/common/core/nearest.h"
#include "services/common/model/auth.h"
#include "services/common/model/manifest_text.h"
#include "services/common/model/validate_report.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, 3> kSignedWords = {"body", "timestamp", "key"};
constexpr std::array<std::string_view, 2> kValueWords = {"signature", "timestamp"};

std::string Join(std::span<const std::string_view> names, std::string_view before = "") {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out.append(before).append(name);
  }
  return out;
}

bool HoldsReference(std::string_view text) {
  return text.find("${") != text.npos;
}

// Whether a text of type hmac holds the word; what is no word there is told.
bool Holds(const std::string& field, std::string_view text, std::string_view wanted,
           std::span<const std::string_view> words, const ProblemReport& report) {
  std::vector<std::string> problems;
  bool holds = false;
  for (const ManifestPiece& piece : SplitManifestText(text, problems, words)) {
    if (!piece.is_word) continue;
    holds = holds || piece.text == wanted;
    if (std::find(words.begin(), words.end(), piece.text) == words.end())
      problems.push_back("$" + piece.text + " is unknown" + DidYouMean(piece.text, words));
  }
  for (const std::string& problem : problems)
    report.Add(field, problem + "; there are " + Join(words, "$"));
  return holds;
}

void ValidateHmac(const std::string& prefix, const Config& auth, const ProblemReport& report) {
  const auto signed_text = auth.find("signed");
  bool signs_time = false;
  if (signed_text != auth.end()) {
    const std::string field = prefix + "signed";
    if (signed_text->second.find("$body") == std::string::npos)
      report.Add(field, "must hold $body, else whoever sees a signature may send any body with it");
    signs_time = Holds(field, signed_text->second, "timestamp", kSignedWords, report);
  }
  bool tells_time = auth.contains("timestamp_header");
  if (const auto value = auth.find("value"); value != auth.end()) {
    const std::string field = prefix + "value";
    if (value->second.find("$signature") == std::string::npos)
      report.Add(field, "must hold $signature");
    if (Holds(field, value->second, "timestamp", kValueWords, report)) tells_time = true;
  }
  if (signs_time && !tells_time)
    report.Add(prefix + "signed",
               "holds $timestamp, which nothing tells the destination; name a timestamp_header, or "
               "put it into value");
}

void ValidateFields(const std::string& prefix, const AuthType& type, const Config& auth,
                    const ProblemReport& report) {
  std::vector<std::string_view> names;
  for (const AuthField& field : type.fields) names.push_back(field.name);
  const std::string of_type = "type " + std::string(type.name);
  for (const auto& [name, value] : auth) {
    if (name == "type") continue;
    if (std::find(names.begin(), names.end(), name) == names.end())
      report.Add(prefix + name, of_type + " has no field \"" + name + "\"" +
                                    DidYouMean(name, names) +
                                    (names.empty() ? "" : "; it has " + Join(names)));
  }
  for (const AuthField& field : type.fields) {
    const auto found = auth.find(std::string(field.name));
    const std::string place = prefix + std::string(field.name);
    if (found == auth.end()) {
      if (field.required) report.Add(place, "is missing; " + of_type + " needs it");
    } else if (found->second.empty()) {
      report.Add(place, "is empty");
    } else if (!field.choices.empty() && !HoldsReference(found->second) &&
               std::find(field.choices.begin(), field.choices.end(), found->second) ==
                   field.choices.end()) {
      report.Add(place, "\"" + found->second + "\" is not one of " + Join(field.choices) +
                            DidYouMean(found->second, field.choices));
    }
  }
}

void ValidateHeaderName(const std::string& prefix, const Config& auth, const std::string& field,
                        const ProblemReport& report) {
  const auto found = auth.find(field);
  if (found == auth.end() || found->second.empty() || HoldsReference(found->second)) return;
  if (!IsHeaderName(found->second))
    report.Add(prefix + field,
               "\"" + found->second + "\" is no header's name; use letters, digits and -");
}

}  // namespace

void ValidateAuth(const std::string& prefix, const Config& auth, const ProblemReport& report) {
  if (auth.empty()) return;
  std::vector<std::string_view> names;
  for (const AuthType& type : AuthTypes()) names.push_back(type.name);
  const auto found = auth.find("type");
  if (found == auth.end())
    return report.Add(prefix + "type", "is missing; it is one of " + Join(names));
  const AuthType* type = FindAuthType(found->second);
  if (type == nullptr)
    return report.Add(prefix + "type", "\"" + found->second + "\" is not one of " + Join(names) +
                                           DidYouMean(found->second, names));
  ValidateFields(prefix, *type, auth, report);
  if (type->name == "oauth2") {
    const auto url = auth.find("token_url");
    if (url != auth.end() && !url->second.empty() && !HoldsReference(url->second))
      ValidateBaseUrl(prefix + "token_url", url->second, report);
  }
  const auto place = auth.find("in");
  if (type->name == "api_key" && (place == auth.end() || place->second == "header"))
    ValidateHeaderName(prefix, auth, "name", report);
  if (type->name != "hmac") return;
  ValidateHeaderName(prefix, auth, "header", report);
  ValidateHeaderName(prefix, auth, "timestamp_header", report);
  ValidateHmac(prefix, auth, report);
}

}  // namespace penstock

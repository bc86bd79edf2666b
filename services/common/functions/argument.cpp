#include "services/common/functions/argument.h"

#include <phonenumbers/phonenumberutil.h>

#include <charconv>
#include <limits>
#include <set>

#include "services/common/functions/date_pattern.h"
#include "services/common/values/utf8.h"

namespace penstock {
namespace {

constexpr int64_t kMaxPlaces = 1'000;

bool ReadInteger(const Literal& literal, int64_t least, int64_t most, Argument& out,
                 std::string& problem) {
  const char* end = literal.text.data() + literal.text.size();
  auto [stop, error] = std::from_chars(literal.text.data(), end, out.number);
  if (literal.kind == Value::Kind::kInteger && error == std::errc() && stop == end &&
      out.number >= least && out.number <= most)
    return true;
  problem = "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  return false;
}

bool ReadRegion(const std::string& text, Argument& out, std::string& problem) {
  std::set<std::string> known;
  i18n::phonenumbers::PhoneNumberUtil::GetInstance()->GetSupportedRegions(&known);
  out.text.clear();
  AppendUpper(out.text, text);
  if (known.contains(out.text)) return true;
  problem = "\"" + text + "\" is no region; write its two letters, like DE";
  return false;
}

bool ReadUnit(const std::string& text, Argument& out, std::string& problem) {
  out.number = text == "s" ? 1 : text == "ms" ? 1'000 : text == "us" ? 1'000'000 : 0;
  if (out.number != 0) return true;
  problem = "\"" + text + "\" is not one of s, ms, us";
  return false;
}

bool ReadPattern(const std::string& text, Argument& out, std::string& problem) {
  std::optional<std::string> pattern = TranslateDatePattern(text, problem);
  if (!pattern.has_value()) return false;
  out.text = *std::move(pattern);
  return true;
}

bool ReadSecret(const std::string& text, std::string& problem) {
  if (text.starts_with("${") && text.find('}') == text.size() - 1) return true;
  problem = "must name a secret, as \"${secret:NAME}\"; a key that stands in a file is none";
  return false;
}

}  // namespace

bool ReadArgument(ArgumentKind kind, const Literal& literal, Argument& out, std::string& problem) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  out = {.given = true, .kind = literal.kind, .text = literal.text};
  switch (kind) {
    case ArgumentKind::kPlaces:
      return ReadInteger(literal, -kMaxPlaces, kMaxPlaces, out, problem);
    case ArgumentKind::kIndex:
      return ReadInteger(literal, -kMost, kMost, out, problem);
    case ArgumentKind::kCount:
      return ReadInteger(literal, 0, kMost, out, problem);
    case ArgumentKind::kScalar:
      return true;
    default:
      break;
  }
  if (literal.kind != Value::Kind::kText) {
    problem = "must be a text; write \"" + literal.text + "\" in quotes";
    return false;
  }
  switch (kind) {
    case ArgumentKind::kNonEmptyText:
      problem = "must not be empty";
      return !literal.text.empty();
    case ArgumentKind::kRegion:
      return ReadRegion(literal.text, out, problem);
    case ArgumentKind::kZone:
      problem = "\"" + literal.text + "\" is no time zone; write it like Europe/Berlin";
      return absl::LoadTimeZone(literal.text, &out.zone);
    case ArgumentKind::kUnit:
      return ReadUnit(literal.text, out, problem);
    case ArgumentKind::kPattern:
      return ReadPattern(literal.text, out, problem);
    case ArgumentKind::kSecret:
      return ReadSecret(literal.text, problem);
    default:
      return true;
  }
}

Argument DefaultArgument(ArgumentKind kind) {
  return {.number = kind == ArgumentKind::kUnit ? 1 : 0};
}

}  // namespace penstock

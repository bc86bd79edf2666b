#include "services/common/functions/function.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/common/core/nearest.h"
#include "services/common/functions/implementations.h"

namespace penstock {
namespace {

using Kind = ArgumentKind;

constexpr Parameter kSlice[] = {{"start", Kind::kIndex, true}, {"length", Kind::kCount}};
constexpr Parameter kReplace[] = {{"from", Kind::kNonEmptyText, true}, {"to", Kind::kText, true}};
constexpr Parameter kSeparator[] = {{"separator", Kind::kText, true}};
constexpr Parameter kSplit[] = {{"separator", Kind::kNonEmptyText, true}};
constexpr Parameter kRound[] = {{"places", Kind::kPlaces}};
constexpr Parameter kDateFormat[] = {{"pattern", Kind::kPattern, true}, {"timezone", Kind::kZone}};
constexpr Parameter kUnit[] = {{"unit", Kind::kUnit}};
constexpr Parameter kHmac[] = {{"key", Kind::kSecret, true}};
constexpr Parameter kE164[] = {{"region", Kind::kRegion}, {"region_from", Kind::kColumn}};
constexpr Parameter kValue[] = {{"value", Kind::kScalar, true}};
constexpr Parameter kColumns[] = {{"columns", Kind::kColumn, true, true}};

constexpr std::array<Function, 22> kFunctions = {{
    {"trim", types::kScalar, types::kText, {}, functions::TrimText},
    {"lower", types::kScalar, types::kText, {}, functions::Lower, false, true},
    {"upper", types::kScalar, types::kText, {}, functions::Upper, false, true},
    {"title", types::kScalar, types::kText, {}, functions::Title, false, true},
    {"slice", types::kScalar, types::kText, kSlice, functions::Slice},
    {"replace", types::kScalar, types::kText, kReplace, functions::Replace},
    {"split", types::kScalar, types::kList, kSplit, functions::Split},
    {"join", types::kList, types::kText, kSeparator, functions::Join},
    {"round", types::kNumeric, types::kNumeric, kRound, functions::RoundNumber},
    {"abs", types::kNumeric, types::kNone, {}, functions::Abs},
    {"date_format", types::kTemporal, types::kText, kDateFormat, functions::DateFormat},
    {"to_unix", types::kTemporal, types::kInteger, kUnit, functions::ToUnix},
    {"to_iso8601", types::kTemporal | types::kNumeric, types::kTimestamp, kUnit,
     functions::ToIso8601},
    {"sha256", types::kScalar, types::kText, {}, functions::Sha256},
    {"hmac_sha256", types::kScalar, types::kText, kHmac, functions::HmacSha256},
    {"e164", types::kText | types::kInteger, types::kText, kE164, functions::E164},
    {"normalize_email", types::kText, types::kText, {}, functions::NormalizeEmail, false, true},
    {"default", types::kAny, types::kNone, kValue, functions::Default, true},
    {"coalesce", types::kAny, types::kNone, kColumns, functions::Coalesce, true},
    {"null_if", types::kAny, types::kNone, kValue, functions::NullIf},
    {"json", types::kAny, types::kText, {}, functions::ToJson},
    {"parse_json",
     types::kText | types::kList | types::kObject,
     types::kAny,
     {},
     functions::ParseJson},
}};

struct Remedy {
  Types takes;  // a function that takes one of these
  Types found;  // and gets only these
  std::string_view text;
};
constexpr Remedy kRemedies[] = {
    {types::kNumeric, types::kTemporal, "cast: number makes one of a text"},
    {types::kTemporal, types::kNumeric, "to_iso8601 makes a timestamp of seconds since 1970"},
    {types::kList, types::kScalar, "split makes a list of a text"},
    {types::kText, types::kList, "join makes a text of a list"},
    {types::kText, types::kList | types::kObject, "json makes a text of anything"},
    {types::kText, types::kDate | types::kTimestamp | types::kNumeric | types::kBoolean,
     "cast: string makes a text of it"},
};

}  // namespace

ValueError TooLarge() {
  return {ErrorCode::kRECORD_TOO_LARGE, "it grows over 32 MiB"};
}

std::span<const Function> AllFunctions() {
  return kFunctions;
}

const Function* FindFunction(std::string_view name) {
  const auto* found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                   [&](const Function& f) { return f.name == name; });
  return found == kFunctions.end() ? nullptr : found;
}

std::string SuggestFunction(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Function& function : kFunctions) names.push_back(function.name);
  return DidYouMean(name, names);
}

std::string TypeMismatch(const Function& function, Types found) {
  std::string out = "\"" + std::string(function.name) + "\" takes " + Describe(function.takes) +
                    ", and gets " + Describe(found);
  for (const Remedy& remedy : kRemedies) {
    if ((function.takes & remedy.takes) != 0 && (found & ~remedy.found) == 0)
      return out + "; " + std::string(remedy.text);
  }
  return out + "; take it out";
}

MaybeError Apply(const BoundFunction& bound, std::span<const Value> columns,
                 const absl::TimeZone& zone, Value& value, std::string& out) {
  const Function& function = *bound.function;
  if (!IsCalledFor(function, value)) return std::nullopt;
  if (!value.null() && (function.takes & TypesOf(value)) == 0)
    return CastFailed(TypeMismatch(function, TypesOf(value)));
  out.clear();
  return function.apply({bound.arguments, columns, zone}, value, out);
}

Types ResultTypes(const BoundFunction& bound, Types in, Types columns) {
  if (bound.function->gives != types::kNone) return bound.function->gives;
  Types out = in | columns;
  for (const Argument& argument : bound.arguments) {
    if (bound.function->for_null && argument.given)
      out |= TypesOf(Value{argument.kind, argument.text});
  }
  return out;
}

}  // namespace penstock

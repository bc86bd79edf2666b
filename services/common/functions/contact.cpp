#include <phonenumbers/phonenumberutil.h>

#include "services/common/functions/implementations.h"
#include "services/common/values/utf8.h"

namespace penstock::functions {
namespace {

// Two letters, or empty: only numbers in international form.
std::string RegionOf(const FunctionCall& call) {
  std::string_view region = call.arguments[0].text;
  if (!call.columns.empty() && !call.columns[0].null()) region = call.columns[0].text;
  std::string out;
  AppendUpper(out, Trim(region));
  return out;
}

}  // namespace

MaybeError E164(const FunctionCall& call, Value& value, std::string& out) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  const std::string region = RegionOf(call);
  PhoneNumber number;
  if (util.Parse(std::string(value.text), region.empty() ? "ZZ" : region, &number) !=
      PhoneNumberUtil::NO_PARSING_ERROR)
    return CastFailed(region.empty() ? "it is not a phone number in international form"
                                     : "it is not a phone number");
  if (!util.IsPossibleNumber(number)) return CastFailed("it is not a possible phone number");
  util.Format(number, PhoneNumberUtil::E164, &out);
  value = {Value::Kind::kText, out};
  return std::nullopt;
}

MaybeError NormalizeEmail(const FunctionCall&, Value& value, std::string& out) {
  const std::string_view in = Trim(value.text);
  const size_t at = in.find('@');
  if (at == in.npos || at == 0 || at + 1 == in.size() || in.find('@', at + 1) != in.npos ||
      in.find_first_of(" \t\r\n") != in.npos)
    return CastFailed("it is not an e-mail address");
  AppendLower(out, in);
  value = {Value::Kind::kText, out};
  return std::nullopt;
}

}  // namespace penstock::functions

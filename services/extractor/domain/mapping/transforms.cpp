#include "services/extractor/domain/mapping/transforms.h"

#include <openssl/evp.h>
#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <array>

#include "services/extractor/domain/mapping/utf8.h"

namespace penstock {
namespace {

MaybeError TrimText(const TransformCall&, std::string_view in, std::string& out) {
  out += Trim(in);
  return std::nullopt;
}

MaybeError Lower(const TransformCall&, std::string_view in, std::string& out) {
  AppendLower(out, in);
  return std::nullopt;
}

MaybeError Upper(const TransformCall&, std::string_view in, std::string& out) {
  AppendUpper(out, in);
  return std::nullopt;
}

MaybeError Sha256(const TransformCall&, std::string_view in, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(in.data(), in.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    return ValueError{ErrorCode::kINTERNAL, "SHA-256 is not available"};
  for (unsigned int i = 0; i < size; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return std::nullopt;
}

MaybeError NormalizeEmail(const TransformCall&, std::string_view in, std::string& out) {
  in = Trim(in);
  size_t at = in.find('@');
  if (at == in.npos || at == 0 || at + 1 == in.size() || in.find('@', at + 1) != in.npos ||
      in.find_first_of(" \t\r\n") != in.npos)
    return CastFailed("it is not an e-mail address");
  AppendLower(out, in);
  return std::nullopt;
}

MaybeError E164(const TransformCall& call, std::string_view in, std::string& out) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  std::string region;
  AppendUpper(region, Trim(call.region));
  PhoneNumber number;
  if (util.Parse(std::string(in), region.empty() ? "ZZ" : region, &number) !=
      PhoneNumberUtil::NO_PARSING_ERROR)
    return CastFailed(region.empty() ? "it is not a phone number in international form"
                                     : "it is not a phone number");
  if (!util.IsPossibleNumber(number)) return CastFailed("it is not a possible phone number");
  std::string formatted;
  util.Format(number, PhoneNumberUtil::E164, &formatted);
  out += formatted;
  return std::nullopt;
}

constexpr std::array<TransformArgument, 2> kE164Arguments = {
    {{"region", false}, {"region_from", true}}};

constexpr std::array<TransformInfo, 6> kTransforms = {{
    {"trim", {}, TrimText},
    {"lower", {}, Lower},
    {"upper", {}, Upper},
    {"sha256", {}, Sha256},
    {"normalize_email", {}, NormalizeEmail},
    {"e164", kE164Arguments, E164},
}};

}  // namespace

const TransformInfo* FindTransform(std::string_view name) {
  const auto* found = std::find_if(kTransforms.begin(), kTransforms.end(),
                                   [&](const TransformInfo& t) { return t.name == name; });
  return found == kTransforms.end() ? nullptr : found;
}

std::span<const TransformInfo> AllTransforms() {
  return kTransforms;
}

}  // namespace penstock

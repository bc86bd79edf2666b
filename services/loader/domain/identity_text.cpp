#include "services/loader/domain/identity_text.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "services/loader/domain/json_pointer.h"

namespace penstock::loader {

namespace json = boost::json;

std::string NormalIdentity(std::string text, Normalisation normalise) {
  if (normalise == Normalisation::kNone) return text;
  absl::StripAsciiWhitespace(&text);
  absl::AsciiStrToLower(&text);
  return text;
}

std::string IdentityText(const Batch& batch, uint32_t record, uint16_t field,
                         Normalisation normalise) {
  const auto slice = batch.value(record, field);
  std::string text;
  if (slice) {
    json::error_code error;
    const json::value value = json::parse({slice->data(), slice->size()}, error);
    text = error || !value.is_string() ? std::string(*slice) : PlainText(value);
  }
  return NormalIdentity(std::move(text), normalise);
}

}  // namespace penstock::loader

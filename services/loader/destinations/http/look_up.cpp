#include "services/loader/destinations/http/look_up.h"

#include <boost/json.hpp>
#include <unordered_map>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/loader/domain/identity_text.h"
#include "services/loader/domain/json_pointer.h"
#include "services/loader/domain/text_template.h"

namespace penstock::loader {

namespace json = boost::json;

absl::StatusOr<LookUpReader> LookUpReader::Make(const ResolveSpec& spec,
                                                const TemplateContext& context,
                                                Normalisation normalise) {
  if (context.identity_fields.size() != 1) {
    return Error(ErrorCode::kINVALID_RESOURCE, "resolve needs an identity of one field");
  }
  LookUpReader out;
  out.identity_ = context.identity_fields[0];
  out.normalise_ = normalise;
  std::vector<std::string> problems;
  const auto pointer = [&](const std::string& text, const std::string& name) -> std::string {
    const std::string place = "resolve." + name;
    const auto compiled =
        TextTemplate::Compile(text, TextTemplate::Use::kPlain, place, context, problems);
    if (!compiled) return {};
    if (compiled->single_record()) {
      problems.push_back(place + ": a record's value has no place in a pointer");
      return {};
    }
    std::string rendered = *compiled->Render({});
    if (!IsPointer(rendered)) problems.push_back(place + ": is no JSON pointer");
    return rendered;
  };
  out.records_ = pointer(spec.records, "records");
  out.match_ = pointer(spec.match, "match");
  out.id_ = pointer(spec.id, "id");
  if (!problems.empty()) return Error(ErrorCode::kINVALID_RESOURCE, problems.front());
  return out;
}

absl::StatusOr<std::vector<std::optional<std::string>>> LookUpReader::Read(
    std::string_view body, const Batch& batch, std::span<const uint32_t> records) const {
  json::error_code error;
  const json::value answer = json::parse({body.data(), body.size()}, error);
  const json::value* found = error ? nullptr : At(answer, records_);
  const json::array* list = found == nullptr ? nullptr : found->if_array();
  if (list == nullptr) {
    return Error(ErrorCode::kDESTINATION_BAD_ANSWER,
                 fmt::format("the look-up's answer has no array at {}", records_));
  }
  std::unordered_map<std::string, std::string> ids;
  for (const json::value& element : *list) {
    const json::value* match = At(element, match_);
    const json::value* id = At(element, id_);
    if (match == nullptr || id == nullptr || id->is_null()) {
      return Error(ErrorCode::kDESTINATION_BAD_ANSWER,
                   fmt::format("an element of the look-up's answer lacks {} or {}", match_, id_));
    }
    ids.emplace(NormalIdentity(PlainText(*match), normalise_), json::serialize(*id));
  }
  std::vector<std::optional<std::string>> out;
  out.reserve(records.size());
  for (const uint32_t record : records) {
    const auto entry = ids.find(IdentityText(batch, record, identity_, normalise_));
    out.push_back(entry == ids.end() ? std::nullopt : std::optional(entry->second));
  }
  return out;
}

}  // namespace penstock::loader

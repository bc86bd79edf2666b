#include "services/loader/domain/text_template.h"

#include <algorithm>
#include <boost/json.hpp>

#include "fmt/format.h"
#include "services/common/core/percent_encode.h"
#include "services/common/core/status.h"
#include "services/common/model/manifest_text.h"
#include "services/loader/domain/json_pointer.h"

namespace penstock::loader {
namespace {

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Many servers decode a path before they follow its dots, so encoding does not disarm them; and
// without a value the path would be another one.
bool StaysInPath(std::string_view value) {
  size_t at = 0;
  while (at <= value.size()) {
    const size_t end = std::min(value.find_first_of("/\\", at), value.size());
    const std::string_view part = value.substr(at, end - at);
    if (part == "." || part == "..") return false;
    at = end + 1;
  }
  return !value.empty();
}

// The characters of a JSON scalar; nullopt for null, objects and arrays.
std::optional<std::string> ScalarText(std::string_view json) {
  boost::json::error_code error;
  const auto value = boost::json::parse({json.data(), json.size()}, error);
  if (error || value.is_null() || value.is_object() || value.is_array()) return std::nullopt;
  // A number keeps the digits it came with.
  return value.is_string() ? PlainText(value) : std::string(json);
}

}  // namespace

std::optional<TextTemplate> TextTemplate::Compile(std::string_view text, Use use,
                                                  std::string_view place,
                                                  const TemplateContext& context,
                                                  std::vector<std::string>& problems) {
  TextTemplate out;
  out.use_ = use;
  out.place_ = place;
  std::string literal;
  const size_t before = problems.size();
  std::vector<std::string> wrong;
  for (const ManifestPiece& piece : SplitManifestText(text, wrong)) {
    if (!piece.is_word) {
      literal += piece.text;
    } else if (!out.AddWord(piece.text, context, literal)) {
      wrong.push_back(
          fmt::format("${{{}}} is unknown or not set, or has no place there", piece.text));
    }
  }
  for (const std::string& one : wrong) problems.push_back(fmt::format("{}: {}", place, one));
  if (use == Use::kHeader && HasControl(literal)) {
    problems.push_back(fmt::format("{}: holds a control character", place));
  }
  if (!literal.empty()) out.pieces_.push_back({std::move(literal), Value::kNone, 0});
  if (problems.size() > before) return std::nullopt;
  return out;
}

std::string TextTemplate::Encode(std::string_view value) const {
  const bool in_url = use_ == Use::kPath || use_ == Use::kQuery;
  return in_url ? PercentEncode(value) : std::string(value);
}

bool TextTemplate::Fits(std::string_view value) const {
  if (use_ == Use::kHeader) return !HasControl(value);
  return use_ != Use::kPath || StaysInPath(value);
}

void TextTemplate::AddValue(Value value, uint16_t field, std::string& literal) {
  pieces_.push_back({std::exchange(literal, {}), value, field});
  single_record_ = true;
}

bool TextTemplate::AddWord(std::string_view word, const TemplateContext& context,
                           std::string& literal) {
  const auto constant = [&](const std::map<std::string, std::string>& values,
                            std::string_view name) {
    const auto found = values.find(std::string(name));
    if (found == values.end() || !Fits(found->second)) return false;
    literal += Encode(found->second);
    return true;
  };
  const auto& identity = context.identity_fields;
  if (word.starts_with("config.")) return constant(context.config, word.substr(7));
  if (word.starts_with("options.")) return constant(context.options, word.substr(8));
  if (word == "sync.object") {
    literal += Encode(context.object);
    return true;
  }
  if (word == "sync.identity" && identity.size() == 1) {
    literal += Encode(context.IdentityName(0));
    return true;
  }
  if (word == "record.key") {
    AddValue(Value::kKey, 0, literal);
    return true;
  }
  if (word == "record.resolved") {
    AddValue(Value::kResolved, 0, literal);
    uses_resolved_ = true;
    return true;
  }
  if (word == "record.identity" && identity.size() == 1) {
    AddValue(Value::kField, identity[0], literal);
    return true;
  }
  for (size_t at = 0; at < context.fields.size(); ++at) {
    const auto i = static_cast<uint16_t>(at);  // a batch counts its fields by 16 bits
    const std::string name = FieldName(context.fields[i].path);
    const bool identifies = std::find(identity.begin(), identity.end(), i) != identity.end();
    if (word == "record.fields." + name || (identifies && word == "record.identity." + name)) {
      AddValue(Value::kField, i, literal);
      return true;
    }
  }
  return false;
}

absl::StatusOr<std::string> TextTemplate::Render(const RecordSet& set) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    if (piece.value == Value::kNone) continue;
    std::optional<std::string> text;
    if (piece.value == Value::kKey && !set.keys.empty()) text = set.keys[0];
    if (piece.value == Value::kResolved && !set.resolved.empty())
      text = ScalarText(set.resolved[0]);
    if (piece.value == Value::kField) {
      const auto slice = set.batch->value(set.records[0], piece.field);
      if (slice) text = ScalarText(*slice);
    }
    if (!text || !Fits(*text)) {
      return Error(ErrorCode::kVALUE_NOT_REPRESENTABLE,
                   fmt::format("the {} needs a value that is {}", place_,
                               use_ == Use::kPath
                                   ? "some text without . or .. as a part of a path, and this "
                                     "record's is not (NULL, left out, empty, an object, or ../)"
                                   : "one line of text, and this record's is not (NULL, left out, "
                                     "an object, or with a line break)"));
    }
    out += Encode(*text);
  }
  return out;
}

}  // namespace penstock::loader

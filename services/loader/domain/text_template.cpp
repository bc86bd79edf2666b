#include "services/loader/domain/text_template.h"

#include <algorithm>
#include <boost/json.hpp>

#include "fmt/format.h"
#include "services/common/core/percent_encode.h"
#include "services/common/core/status.h"
#include "services/loader/domain/json_pointer.h"

namespace penstock::loader {
namespace {

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
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
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      literal += text[i++];
    } else if (text.substr(i).starts_with("$$")) {
      literal += '$';
      i += 2;
    } else if (text.substr(i).starts_with("${")) {
      const size_t end = text.find('}', i);
      if (end == std::string_view::npos) {
        problems.push_back(fmt::format("{}: a ${{ has no }}", place));
        break;
      }
      const std::string_view word = text.substr(i + 2, end - i - 2);
      if (!out.AddWord(word, context, literal)) {
        problems.push_back(fmt::format("{}: ${{{}}} is unknown or not set", place, word));
      }
      i = end + 1;
    } else {
      size_t end = i + 1;
      while (end < text.size() && IsWordChar(text[end])) ++end;
      while (end > i + 1 && text[end - 1] == '.') --end;
      const std::string_view word = text.substr(i + 1, end - i - 1);
      if (!word.starts_with("record.") || !out.AddWord(word, context, literal)) {
        problems.push_back(
            fmt::format("{}: ${} is unknown; a $ itself is written $$", place, word));
      }
      i = end;
    }
  }
  if (use == Use::kHeader && HasControl(literal)) {
    problems.push_back(fmt::format("{}: holds a control character", place));
  }
  if (!literal.empty()) out.pieces_.push_back({std::move(literal), Value::kNone, 0});
  if (problems.size() > before) return std::nullopt;
  return out;
}

std::string TextTemplate::Encode(std::string_view value) const {
  return use_ == Use::kUrl ? PercentEncode(value) : std::string(value);
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
    if (found == values.end() || (use_ == Use::kHeader && HasControl(found->second))) return false;
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
    if (!text || (use_ == Use::kHeader && HasControl(*text))) {
      return Error(
          ErrorCode::kVALUE_NOT_REPRESENTABLE,
          fmt::format("the {} needs a value that is one line of text, and this record's is "
                      "not (NULL, left out, an object, or with a line break)",
                      place_));
    }
    out += Encode(*text);
  }
  return out;
}

}  // namespace penstock::loader

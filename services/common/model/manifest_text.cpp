#include "services/common/model/manifest_text.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace penstock {
namespace {

namespace json = boost::json;

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

// Goes through a body's tree.
class BodyWords {
 public:
  explicit BodyWords(std::vector<ManifestWord>& out) : out_(out) {}

  void Visit(const json::value& value, const std::string& place, bool in_each) {
    if (const json::string* text = value.if_string()) {
      const std::string_view word(text->data(), text->size());
      if (word.starts_with('$') && !word.starts_with("$$"))
        out_.push_back({"body", place, std::string(word.substr(1)), in_each});
    } else if (const json::array* list = value.if_array()) {
      for (size_t i = 0; i < list->size(); ++i)
        Visit((*list)[i], place + "/" + std::to_string(i), in_each);
    } else if (const json::object* object = value.if_object()) {
      const bool each = object->contains("$each");
      for (const auto& member : *object) {
        const std::string_view name(member.key().data(), member.key().size());
        if (name == "$each") continue;
        Visit(member.value(), place + "/" + std::string(name), in_each || each);
      }
    }
  }

 private:
  std::vector<ManifestWord>& out_;
};

}  // namespace

std::vector<ManifestPiece> SplitManifestText(std::string_view text,
                                             std::vector<std::string>& problems,
                                             std::span<const std::string_view> bare) {
  std::vector<ManifestPiece> pieces;
  std::string literal;
  const auto add_word = [&](std::string_view word) {
    if (!literal.empty()) pieces.push_back({false, std::exchange(literal, {})});
    pieces.push_back({true, std::string(word)});
  };
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      literal += text[i++];
    } else if (text.substr(i).starts_with("$$")) {
      literal += '$';
      i += 2;
    } else if (text.substr(i).starts_with("${")) {
      const size_t end = text.find('}', i);
      if (end == std::string_view::npos) {
        problems.emplace_back("a ${ has no }");
        break;
      }
      add_word(text.substr(i + 2, end - i - 2));
      i = end + 1;
    } else {
      size_t end = i + 1;
      while (end < text.size() && IsWordChar(text[end])) ++end;
      while (end > i + 1 && text[end - 1] == '.') --end;
      const std::string_view word = text.substr(i + 1, end - i - 1);
      const bool known = std::any_of(bare.begin(), bare.end(), [&](std::string_view begin) {
        return word.starts_with(begin);
      });
      if (known) {
        add_word(word);
      } else {
        problems.push_back("$" + std::string(word) + " is unknown; a $ itself is written $$");
      }
      i = end;
    }
  }
  if (!literal.empty()) pieces.push_back({false, std::move(literal)});
  return pieces;
}

std::vector<ManifestWord> WordsOf(const RequestTemplate& request,
                                  std::vector<std::string>& problems) {
  std::vector<ManifestWord> words;
  const auto add_text = [&](const std::string& field, std::string_view text) {
    std::vector<std::string> wrong;
    for (ManifestPiece& piece : SplitManifestText(text, wrong)) {
      if (piece.is_word) words.push_back({field, "", std::move(piece.text), false});
    }
    for (const std::string& one : wrong) problems.push_back(field + ": " + one);
  };
  add_text("path", request.path);
  for (const auto& [name, text] : request.query) add_text("query." + name, text);
  for (const auto& [name, text] : request.headers) add_text("headers." + name, text);
  json::error_code error;
  const json::value body = json::parse({request.body.data(), request.body.size()}, error);
  if (!error) BodyWords(words).Visit(body, "", request.format == BodyFormat::kNdjson);
  return words;
}

}  // namespace penstock

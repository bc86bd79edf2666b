#include "services/common/functions/template.h"

#include <algorithm>
#include <utility>

#include "services/common/values/json_text.h"

namespace penstock {
namespace {

constexpr size_t kMaxTemplateBytes = 16 << 10;

bool IsNamePart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

class TemplateParser {
 public:
  TemplateParser(std::string_view text, std::vector<std::string>& problems)
      : text_(text), problems_(problems) {}

  std::vector<TemplatePart> Run() {
    if (text_.size() > kMaxTemplateBytes) {
      problems_.push_back("has " + std::to_string(text_.size()) + " bytes, and at most " +
                          std::to_string(kMaxTemplateBytes) + " are taken");
      return {};
    }
    std::vector<TemplatePart> parts;
    while (at_ < text_.size()) {
      const size_t open = std::min(text_.find("{{", at_), text_.size());
      if (const size_t tag = text_.find("{%", at_); tag < open) {
        Fail(tag, "tags {% … %} are not supported; a template has columns in {{ … }} alone");
        break;
      }
      if (open > at_) parts.emplace_back(std::string(text_.substr(at_, open - at_)));
      at_ = open;
      if (open == text_.size()) break;
      at_ += 2;
      if (std::optional<TemplateExpression> expression = Expression(open)) {
        parts.emplace_back(*std::move(expression));
      } else {
        const size_t close = text_.find("}}", at_);
        if (close == text_.npos) break;
        at_ = close + 2;
      }
    }
    return parts;
  }

 private:
  void Fail(size_t at, const std::string& what) {
    const std::string_view before = text_.substr(0, at);
    const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    problems_.push_back("at character " + std::to_string(characters + 1) + ": " + what);
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(std::string_view token) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  std::optional<TemplateExpression> Expression(size_t open) {
    TemplateExpression expression;
    std::optional<std::variant<Literal, ColumnPath>> operand = Operand();
    if (!operand.has_value()) return std::nullopt;
    expression.operand = *std::move(operand);
    while (!Take("}}")) {
      if (at_ == text_.size()) {
        Fail(open, "{{ has no }}");
        return std::nullopt;
      }
      if (!Take("|")) {
        Fail(at_, "\"|\" and a filter, or }}, is expected here");
        return std::nullopt;
      }
      if (!Filter(expression)) return std::nullopt;
    }
    return expression;
  }

  bool Filter(TemplateExpression& expression) {
    SkipSpace();
    const size_t begin = at_;
    const std::string_view name = Name();
    if (name.empty()) {
      Fail(begin, "a filter's name is expected here");
      return false;
    }
    SkipSpace();
    if (Peek() == '(') {
      Fail(at_, "arguments stand after a colon, as default: 'there'");
      return false;
    }
    std::vector<GivenArgument> given;
    if (Take(":")) {
      do {
        if (!GivenTo(given)) return false;
      } while (Take(","));
    }
    std::vector<std::string> problems;
    std::optional<BoundFunction> bound = Bind(FunctionPlace::kFilter, name, given, problems);
    for (const std::string& problem : problems) Fail(begin, problem);
    if (!bound.has_value()) return false;
    expression.filters.push_back(*std::move(bound));
    return true;
  }

  bool GivenTo(std::vector<GivenArgument>& given) {
    GivenArgument argument;
    SkipSpace();
    const size_t begin = at_;
    if (const std::string_view name = Name(); !name.empty() && Take(":")) {
      argument.name = name;
    } else {
      at_ = begin;
    }
    std::optional<std::variant<Literal, ColumnPath>> operand = Operand();
    if (!operand.has_value()) return false;
    argument.value = *std::move(operand);
    given.push_back(std::move(argument));
    return true;
  }

  std::string_view Name() {
    const size_t begin = at_;
    while (IsNamePart(Peek()) && at_ < text_.size()) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::optional<std::variant<Literal, ColumnPath>> Operand() {
    SkipSpace();
    const char c = Peek();
    if (c == '\'' || c == '"') {
      std::optional<std::string> text = Quoted();
      if (!text.has_value()) return std::nullopt;
      return Literal{Value::Kind::kText, *std::move(text)};
    }
    if (IsDigit(c) || c == '-') return Number();
    if (IsNamePart(c) || c == '[') return Column();
    Fail(at_, at_ == text_.size() ? "{{ has no }}"
                                  : "a column, a number or a text in quotes is expected here");
    return std::nullopt;
  }

  std::optional<std::string> Quoted() {
    const size_t begin = at_;
    const size_t end = text_.find(text_[at_], at_ + 1);
    if (end == text_.npos) {
      Fail(begin, "the text's quote is not closed");
      at_ = text_.size();
      return std::nullopt;
    }
    at_ = end + 1;
    return std::string(text_.substr(begin + 1, end - begin - 1));
  }

  std::optional<std::variant<Literal, ColumnPath>> Number() {
    const size_t begin = at_++;
    while (IsDigit(Peek()) || Peek() == '.') ++at_;
    const std::string_view text = text_.substr(begin, at_ - begin);
    if (!IsJson(text) || IsNamePart(Peek())) {
      Fail(begin, "this is no number; write a column whose name begins so as [\"name\"]");
      return std::nullopt;
    }
    return Literal{text.find('.') == text.npos ? Value::Kind::kInteger : Value::Kind::kNumber,
                   std::string(text)};
  }

  std::optional<std::variant<Literal, ColumnPath>> Column() {
    ColumnPath path;
    do {
      std::optional<std::string> part =
          Peek() == '[' ? Bracketed(!path.column.empty()) : std::string(Name());
      if (!part.has_value()) return std::nullopt;
      if (part->empty()) {
        Fail(at_, "a name is expected here");
        return std::nullopt;
      }
      (path.column.empty() ? path.column : path.path.emplace_back()) = *std::move(part);
    } while (Peek() == '[' || TakeDot());
    return path;
  }
  bool TakeDot() {
    if (Peek() != '.') return false;
    ++at_;
    return true;
  }

  std::optional<std::string> Bracketed(bool may_be_index) {
    const size_t begin = at_++;
    SkipSpace();
    std::optional<std::string> part;
    if (Peek() == '\'' || Peek() == '"') {
      part = Quoted();
      if (!part.has_value()) return std::nullopt;
    } else if (may_be_index && IsDigit(Peek())) {
      part = std::string(Name());
    }
    if (!part.has_value() || !Take("]")) {
      Fail(begin, "[ is followed by a name in quotes and ]");
      return std::nullopt;
    }
    return part;
  }

  std::string_view text_;
  std::vector<std::string>& problems_;
  size_t at_ = 0;
};

}  // namespace

std::vector<TemplatePart> ParseTemplate(std::string_view text, std::vector<std::string>& problems) {
  return TemplateParser(text, problems).Run();
}

}  // namespace penstock

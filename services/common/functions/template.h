#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "services/common/functions/bind.h"

// Texts made of columns: "Hello {{ first_name | default: 'there' }}".
//
//   template   = { text | "{{" expression "}}" }
//   expression = operand { "|" filter [ ":" argument { "," argument } ] }
//   argument   = [ name ":" ] operand
//   operand    = 'text' | "text" | number | column
//   column     = part { "." name | "[" 'name' "]" | "[" index "]" }, part = name | "[" 'name' "]"
//
// There is no nesting, and a template has at most 16 KiB, so parsing takes no stack and bounded
// time. A text in quotes has no escapes: it may hold the other kind of quotes.
namespace penstock {

struct TemplateExpression {
  std::variant<Literal, ColumnPath> operand;
  std::vector<BoundFunction> filters;
};

// Either a text as it stands or an expression.
using TemplatePart = std::variant<std::string, TemplateExpression>;

// The parts in order. Each problem begins with its place: "at character 7: …".
std::vector<TemplatePart> ParseTemplate(std::string_view text, std::vector<std::string>& problems);

}  // namespace penstock

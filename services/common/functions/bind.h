#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "services/common/functions/function.h"

// From a function as it is written to one that can be applied.
namespace penstock {

// An argument as it was written: a constant (in a Sync's YAML also a column's name), or a column.
struct Literal {
  Value::Kind kind = Value::Kind::kText;  // kText, kInteger, kNumber, kBoolean
  std::string text;
};
struct GivenArgument {
  std::string name;  // empty: by its position
  std::variant<Literal, ColumnPath> value;
};

// Whether it stands in a list of transforms, where a text may name a column, or in a template.
enum class FunctionPlace : uint8_t { kTransform, kFilter };

// All that is wrong goes to `problems`, and then there is no function.
std::optional<BoundFunction> Bind(FunctionPlace place, std::string_view name,
                                  std::span<const GivenArgument> given,
                                  std::vector<std::string>& problems);
// The same for a transform's arguments as the model keeps them (model/resources.h).
std::optional<BoundFunction> BindTransform(std::string_view name, std::string_view args_json,
                                           std::vector<std::string>& problems);

}  // namespace penstock

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/extractor/domain/mapping/value.h"

// The functions that a mapping may apply to a value's text. A new one is a new line in the table of
// transforms.cpp.
namespace penstock {

struct TransformCall {
  std::string_view region;  // e164: two letters, or empty: only numbers in international form
};

struct TransformArgument {
  std::string_view name;
  bool is_column = false;  // its value names a column of the model
};

struct TransformInfo {
  std::string_view name;
  std::span<const TransformArgument> arguments;
  // Appends the result for `in`, UTF-8, to `out`.
  MaybeError (*apply)(const TransformCall& call, std::string_view in, std::string& out);
};

// nullptr: there is none of that name.
const TransformInfo* FindTransform(std::string_view name);
std::span<const TransformInfo> AllTransforms();

}  // namespace penstock

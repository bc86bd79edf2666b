#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/values/value.h"

// Works on JSON as text, so that nested values and their numbers stay as the warehouse gave them.
namespace penstock {

// True when `text` is one well-formed JSON value, nested at most 512 deep.
bool IsJson(std::string_view text);

// Walks `path` into `json`, which must be well-formed: keys of objects (of equal keys the last
// counts, as in jsonb), indexes of arrays. A path that leads nowhere and JSON's null are kNull.
// Strings that have escapes are decoded into `scratch`.
MaybeError JsonAt(std::string_view json, std::span<const std::string> path, std::string& scratch,
                  Value& out);

// The elements of an array, which must be well-formed; none of anything else.
std::vector<std::string_view> JsonElements(std::string_view json);

// The members of an object in its order, their names decoded; none of anything else.
struct JsonMember {
  std::string key;
  std::string_view value;
};
std::vector<JsonMember> JsonMembers(std::string_view json);

// Appends `text`, which must be UTF-8, as a JSON string.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace penstock

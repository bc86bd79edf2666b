#pragma once

#include <map>
#include <string>

namespace penstock::testing {

// Columns by name, each written as in docs/mapping.md: "text", 12, 0.5, true, null, {"json": 1},
// 2026-03-29, 2026-03-29T10:15:00Z.
using Columns = std::map<std::string, std::string>;

// What a field of a Sync becomes: its JSON, "omitted", "skipped", "CODE: reason" of an invalid row,
// or what the compiler says, line by line. `yaml` is the field as it stands in the file. There is
// one secret, ${secret:hash_key} = "pepper".
std::string Evaluate(const std::string& yaml, const Columns& columns);

// A list of one transform over the column "value".
std::string Transformed(const std::string& transform, const std::string& value);
std::string Rendered(const std::string& text, const Columns& columns);

}  // namespace penstock::testing

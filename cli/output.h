#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"

namespace google::protobuf {
class Message;
}

namespace penstock {
struct YamlValue;
}

namespace penstock::cli {

// "table", "json", "yaml", "name".
absl::StatusOr<Format> FormatByName(std::string_view name);

// Columns as wide as their widest cell, two spaces apart; the first row is the head.
std::string Table(const std::vector<std::vector<std::string>>& rows);

// The tree as block-style YAML, texts quoted where they would be read as something else.
std::string YamlText(const YamlValue& value);

// A message of the API as JSON or YAML, with the field names of the .proto.
std::string MessageText(const google::protobuf::Message& message, Format format);

// JSON text over several lines.
std::string PrettyJson(std::string_view json);

// "1,234,567"
std::string Thousands(int64_t number);

void Print(std::string_view text);

}  // namespace penstock::cli

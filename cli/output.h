#pragma once

#include <cstddef>
#include <limits>
#include <optional>
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

// The text with what a terminal would obey or hide written out: "\\u001b" for ESC, and so for other
// control characters (line ends stay) and for those that turn the direction of writing. Names and
// messages come from files, warehouses and destinations.
std::string Visible(std::string_view text);

using TableRows = std::vector<std::vector<std::string>>;

// Columns as wide as their widest cell, two spaces apart; the first row is the head. A table that
// is wider than `max_width` has its widest columns cut but for the first, where "…" says so.
std::string Table(const TableRows& given, size_t max_width = std::numeric_limits<size_t>::max());

// Prints a table: one that fits a terminal's width, all of it where stdout is none.
void PrintTable(const TableRows& rows);
// The columns of the terminal that stdout is; nullopt: it is none.
std::optional<size_t> TerminalWidth();

// The tree as block-style YAML, texts quoted where they would be read as something else.
std::string YamlText(const YamlValue& value);
// The same in one line: "{from: email, transform: [trim, lower]}".
std::string FlowText(const YamlValue& value);

// A message of the API as JSON or YAML, with the field names of the .proto.
std::string MessageText(const google::protobuf::Message& message, Format format);

// The tree as JSON, over several lines.
std::string JsonText(const YamlValue& value);
// JSON text over several lines.
std::string PrettyJson(std::string_view json);

// "1,234,567"
std::string Thousands(int64_t number);

void Print(std::string_view text);

}  // namespace penstock::cli

#include "cli/output.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>
#include <yaml-cpp/stlemitter.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "fmt/format.h"
#include "services/common/config/resource_yaml.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/core/utf8.h"
#include "services/common/values/utf8.h"

namespace penstock::cli {
namespace {

// C0, DEL and C1; marks, embeddings, overrides and isolates of bidirectional text:
// https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
bool IsInvisible(uint32_t code) {
  return (code < 0x20 && code != '\n') || (code >= 0x7F && code < 0xA0) || code == 0x61C ||
         code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

// A cell is one line.
std::string Cell(std::string_view text) {
  std::string out = Visible(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

// What a reader sees, not bytes: names may hold any letters.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

constexpr size_t kGap = 2;         // spaces between columns
constexpr size_t kLeastWidth = 8;  // what is left of a column that is cut

// Takes from the widest columns what is too much, but not from the first: names and ids are copied.
void FitInto(size_t max_width, std::vector<size_t>& widths) {
  if (widths.size() < 2) return;
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  };
  for (size_t now = total(); now > max_width; --now) {
    size_t& widest = *std::max_element(widths.begin() + 1, widths.end());
    if (widest <= kLeastWidth) return;
    --widest;
  }
}

// The first letters of a text that is wider, and "…".
std::string Cut(const std::string& text, size_t width) {
  if (Width(text) <= width) return text;
  size_t end = 0;
  for (size_t left = width; left > 0; --left) {
    size_t next = end + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
    if (left > 1) end = next;
  }
  return text.substr(0, end) + "…";
}

void EmitText(const std::string& text, YAML::Emitter& out) {
  YamlValue plain{.kind = YamlValue::Kind::kScalar, .text = text};
  const bool ambiguous = text.empty() || TypeOf(plain) != ScalarType::kText || text == "null" ||
                         text == "~" || text == "Null" || text == "NULL";
  // A block keeps exactly one line end at its end, and takes spaces at its start for indentation.
  const bool block = text.find('\n') < text.size() - 1 && text.ends_with('\n') &&
                     !text.ends_with("\n\n") && text.front() != ' ' && text.front() != '\n';
  if (block) {
    out << YAML::Literal << text;
  } else if (ambiguous || text.find('\n') != std::string::npos) {
    out << YAML::DoubleQuoted << text;
  } else {
    out << text;
  }
}

void Emit(const YamlValue& value, YAML::Emitter& out) {
  switch (value.kind) {
    case YamlValue::Kind::kNull:
      out << YAML::Null;
      return;
    case YamlValue::Kind::kScalar:
      if (TypeOf(value) == ScalarType::kText) {
        EmitText(value.text, out);
      } else {
        out << value.text;
      }
      return;
    case YamlValue::Kind::kList:
      out << YAML::BeginSeq;
      for (const YamlValue& item : value.items) Emit(item, out);
      out << YAML::EndSeq;
      return;
    case YamlValue::Kind::kMap:
      out << YAML::BeginMap;
      for (const YamlMember& member : value.members) {
        out << YAML::Key;
        if (member.segments.empty()) {
          EmitText(member.key, out);
        } else {
          out << YAML::Flow << member.segments;
        }
        out << YAML::Value;
        Emit(member.value, out);
      }
      out << YAML::EndMap;
  }
}

}  // namespace

absl::StatusOr<Format> FormatByName(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {"table", "json", "yaml", "name"};
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    return Error(ErrorCode::kINVALID_REQUEST,
                 fmt::format("\"{}\" is not one of table, json, yaml, name{}", name,
                             DidYouMean(name, kNames)));
  return static_cast<Format>(found - kNames.begin());
}

std::string Visible(std::string_view text) {
  const std::string clean = CleanText(text);
  std::string out;
  for (std::string_view rest = clean; !rest.empty();) {
    const std::string_view before = rest;
    const uint32_t code = TakeUtf8(rest);
    if (IsInvisible(code)) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += before.substr(0, before.size() - rest.size());
    }
  }
  return out;
}

std::string Table(const TableRows& given, size_t max_width) {
  TableRows rows = given;
  std::vector<size_t> widths;
  for (auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = Cell(row[i]);
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  FitInto(max_width, widths);
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Cut(row[i], widths[i]);
      line += cell;
      line.append(widths[i] - Width(cell) + kGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::optional<size_t> TerminalWidth() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  if (size.ws_col == 0) return {};
  return size.ws_col;
}

void PrintTable(const TableRows& rows) {
  Print(Table(rows, TerminalWidth().value_or(std::numeric_limits<size_t>::max())));
}

std::string YamlText(const YamlValue& value) {
  YAML::Emitter out;
  Emit(value, out);
  return std::string(out.c_str()) + "\n";
}

std::string FlowText(const YamlValue& value) {
  YAML::Emitter out;
  out.SetSeqFormat(YAML::Flow);
  out.SetMapFormat(YAML::Flow);
  if (value.kind == YamlValue::Kind::kScalar && value.text.find('\n') != std::string::npos) {
    out << YAML::DoubleQuoted << value.text;
  } else {
    Emit(value, out);
  }
  return out.c_str();
}

std::string MessageText(const google::protobuf::Message& message, Format format) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = format == Format::kJson;
  std::string json;
  // Fails only for Any and for times out of range, which the API has not.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "";
  if (format == Format::kJson) return json;
  std::vector<YamlProblem> problems;
  const std::vector<YamlValue> documents = ParseYaml(json, problems);
  return documents.empty() ? "" : YamlText(documents.front());
}

std::string JsonText(const YamlValue& value) {
  return PrettyJson(ToJson(value).value_or("null"));
}

std::string PrettyJson(std::string_view json) {
  std::string out;
  int depth = 0;
  bool in_text = false;
  const auto line = [&] { out.append("\n").append(static_cast<size_t>(depth) * 2, ' '); };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) {
        out += json[++i];
      } else if (c == '"') {
        in_text = false;
      }
      continue;
    }
    switch (c) {
      case '"':
        in_text = true;
        out += c;
        break;
      case '{':
      case '[':
        out += c;
        if (i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']')) {
          out += json[++i];
          break;
        }
        ++depth;
        line();
        break;
      case '}':
      case ']':
        depth = std::max(0, depth - 1);
        line();
        out += c;
        break;
      case ',':
        out += c;
        line();
        break;
      case ':':
        out += ": ";
        break;
      default:
        out += c;
    }
  }
  return out + "\n";
}

std::string Thousands(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace penstock::cli

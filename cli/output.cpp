#include "cli/output.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>
#include <yaml-cpp/stlemitter.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "fmt/format.h"
#include "services/common/config/resource_yaml.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock::cli {
namespace {

// What a reader sees, not bytes: names may hold any letters.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
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

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string YamlText(const YamlValue& value) {
  YAML::Emitter out;
  Emit(value, out);
  return std::string(out.c_str()) + "\n";
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

#include "tests/unit/extractor/mapping/evaluate.h"

#include <gtest/gtest.h>

#include "absl/time/civil_time.h"
#include "services/common/config/resource_reader.h"
#include "services/common/core/status.h"
#include "services/common/values/date_time.h"
#include "services/common/values/decimal.h"
#include "services/common/values/json_text.h"
#include "services/extractor/domain/mapping/mapper.h"
#include "tests/unit/extractor/binary_row.h"

namespace penstock::testing {
namespace {

constexpr std::string_view kSync = R"(apiVersion: penstock.dev/v1
kind: Sync
metadata: {name: s}
spec:
  mapping:
    field: )";

struct Cell {
  uint32_t oid = 0;
  std::optional<std::string> bytes;  // nullopt: NULL
};

template <typename T>
std::string Big(T value) {
  std::string out;
  AppendBig(out, value);
  return out;
}

std::string NumericBytes(std::string_view text) {
  Decimal number;
  EXPECT_TRUE(ReadDecimal(text, number)) << text;
  const auto scale = static_cast<uint16_t>(std::max<int64_t>(number.scale(), 0));
  int64_t before = number.point;  // of the first group of four
  while (before % 4 != 0) {
    number.digits.insert(number.digits.begin(), '0');
    ++before;
  }
  while (number.digits.size() % 4 != 0) number.digits += '0';
  std::vector<int16_t> groups;
  for (size_t i = 0; i < number.digits.size(); i += 4)
    groups.push_back(static_cast<int16_t>(std::stoi(number.digits.substr(i, 4))));
  return Numeric(static_cast<int16_t>(before / 4 - 1), number.negative ? 0x4000 : 0, scale, groups);
}

Cell Read(const std::string& text) {
  constexpr uint32_t kBool = 16, kInt8 = 20, kText = 25, kDate = 1082, kTimestampTz = 1184,
                     kNumeric = 1700, kJsonb = 3802;
  if (text == "null") return {kText, std::nullopt};
  if (text == "true" || text == "false") return {kBool, std::string(1, text == "true" ? 1 : 0)};
  if (text.front() == '{' || text.front() == '[') return {kJsonb, "\1" + text};
  if (text.front() == '"') {
    Value value;
    std::string scratch;
    EXPECT_FALSE(JsonAt(text, {}, scratch, value).has_value()) << text;
    return {kText, std::string(value.text)};
  }
  if (absl::CivilDay day; ReadDay(text, day))
    return {kDate, Big(static_cast<int32_t>(day - absl::CivilDay(2000, 1, 1)))};
  if (absl::Time time; ReadTimestamp(text, absl::UTCTimeZone(), time))
    return {kTimestampTz, Big(absl::ToUnixMicros(time) - int64_t{946'684'800'000'000})};
  if (text.find_first_not_of("-0123456789") == text.npos)
    return {kInt8, Big(int64_t{std::stoll(text)})};
  return {kNumeric, NumericBytes(text)};
}

absl::StatusOr<std::string> Secret(const std::string& reference) {
  if (reference == "${secret:hash_key}") return "pepper";
  if (reference == "${secret:empty}") return "";
  return Error(ErrorCode::kSECRET_NOT_FOUND, "there is no secret " + reference);
}

std::string Render(const Program& program, std::map<std::string, Cell>& cells) {
  BinaryRow row;
  for (const SelectColumn& column : program.select) {
    const Cell& cell = cells.at(column.name);
    cell.bytes.has_value() ? row.Bytes(*cell.bytes) : row.Null();
  }
  Mapper mapper(program, 1);
  RenderedRecord record;
  ValueError error;
  switch (mapper.Render(row.Raw(), record, error)) {
    case Mapper::Rendering::kSkip:
      return "skipped";
    case Mapper::Rendering::kInvalid:
      return std::string(Name(error.code)) + ": " + error.reason;
    case Mapper::Rendering::kDone:
      break;
  }
  return std::string(record.slice(0).value_or("omitted"));
}

}  // namespace

std::string Evaluate(const std::string& yaml, const Columns& columns) {
  DeclaredResources declared;
  ReadResources("f.yaml", std::string(kSync) + yaml + "\n", declared);
  for (const ResourceError& error : declared.errors) ADD_FAILURE() << error.ToString();
  if (declared.resources.empty()) return "unreadable";
  Sync sync = std::get<Sync>(declared.resources.front());
  sync.mapping.push_back({.path = {"id"}, .from = FieldMapping::Column{"id", {}}});
  sync.identity = {"id"};

  std::map<std::string, Cell> cells = {{"id", Read("1")}};
  for (const auto& [name, text] : columns) cells[name] = Read(text);
  ModelDescription description;
  for (const auto& [name, cell] : cells) description.columns.push_back({name, {.oid = cell.oid}});
  Model model{.meta = {.name = "m"}, .primary_key = {"id"}};
  const std::string timezone = "UTC";
  CompileInput input{sync, model, description, timezone};
  input.secret = Secret;
  const CompileResult result = Compile(input);
  std::string lines;
  for (const CompileError& error : result.errors)
    lines += (lines.empty() ? "" : "\n") + error.field + ": " + error.message;
  return result.program.has_value() ? Render(*result.program, cells) : lines;
}

std::string Transformed(const std::string& transform, const std::string& value) {
  return Evaluate("{from: value, transform: [" + transform + "]}", {{"value", value}});
}

std::string Rendered(const std::string& text, const Columns& columns) {
  std::string quoted;
  for (char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return Evaluate("{template: '" + quoted + "'}", columns);
}

}  // namespace penstock::testing

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "services/common/functions/function.h"
#include "tests/unit/extractor/mapping/evaluate.h"

// docs/mapping.md lists every function as the table of functions has it, and its examples are
// right.
namespace penstock {
namespace {

using testing::Columns;
using testing::Evaluate;
using testing::Rendered;

// The cells of a table's row; "\|" is a bar of its own.
std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      cell += line[++i];
    } else if (line[i] == '|') {
      cells.push_back(cell.substr(1, cell.size() - 2));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  return cells;
}

// The rows of all tables under that header.
std::vector<std::vector<std::string>> Rows(const std::string& header) {
  std::ifstream page(DOCS_DIR "/mapping.md");
  EXPECT_TRUE(page.is_open());
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("|---")) continue;
    if (inside && line.starts_with("|")) rows.push_back(Cells(line));
    inside = line == header || (inside && line.starts_with("|"));
  }
  EXPECT_FALSE(rows.empty()) << header;
  return rows;
}

// What stands between the cell's backticks, one after the other.
std::vector<std::string> Codes(const std::string& cell) {
  std::vector<std::string> codes;
  for (size_t at = cell.find('`'); at != cell.npos;) {
    const size_t end = cell.find('`', at + 1);
    codes.push_back(cell.substr(at + 1, end - at - 1));
    at = cell.find('`', end + 1);
  }
  return codes;
}

// `name` = `value`, …
Columns NamedColumns(const std::vector<std::string>& codes, size_t first) {
  Columns columns;
  for (size_t i = first; i + 1 < codes.size(); i += 2) columns[codes[i]] = codes[i + 1];
  return columns;
}

void ExpectExample(const std::string& transform, const std::string& of, const std::string& is) {
  const std::vector<std::string> codes = Codes(of);
  Columns columns = NamedColumns(codes, 1);
  columns["value"] = codes.at(0);
  const std::string yaml = "{from: value, transform: [" + Codes(transform).at(0) + "]}";
  EXPECT_EQ(Evaluate(yaml, columns), Codes(is).at(0)) << yaml << " of " << of;
}

std::string Arguments(const Function& function) {
  std::string out;
  for (const Parameter& parameter : function.parameters) {
    out += out.empty() ? "" : ", ";
    const std::string name = "`" + std::string(parameter.name) + "`";
    out += parameter.required ? name : "[" + name + "]";
    if (parameter.repeated) out += " …";
  }
  return out.empty() ? "–" : out;
}

TEST(MappingPage, ListsEveryFunctionWithWhatItTakes) {
  std::set<std::string> listed, known;
  for (const auto& row : Rows("| function | takes | arguments | gives | example | of | is |"))
    listed.insert(row.at(0) + " | " + row.at(1) + " | " + row.at(2));
  for (const Function& function : AllFunctions())
    known.insert("`" + std::string(function.name) + "` | " + Describe(function.takes) + " | " +
                 Arguments(function));
  EXPECT_EQ(listed, known);
}

TEST(MappingPage, ItsExamplesOfFunctionsAreRight) {
  for (const auto& row : Rows("| function | takes | arguments | gives | example | of | is |"))
    ExpectExample(row.at(4), row.at(5), row.at(6));
  for (const auto& row : Rows("| example | of | is |"))
    ExpectExample(row.at(0), row.at(1), row.at(2));
}

TEST(MappingPage, ItsExamplesOfTemplatesAreRight) {
  for (const auto& row : Rows("| template | columns | is |"))
    EXPECT_EQ(Rendered(Codes(row.at(0)).at(0), NamedColumns(Codes(row.at(1)), 0)),
              Codes(row.at(2)).at(0))
        << row.at(0);
}

}  // namespace
}  // namespace penstock

#include "services/extractor/sources/postgres/model_query.h"

#include <algorithm>
#include <vector>

#include "services/common/core/status.h"

namespace penstock {
namespace {

absl::Status Refuse(const Model& model, const std::string& why) {
  return Error(ErrorCode::kINVALID_RESOURCE, "model \"" + model.meta.name + "\": " + why);
}

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

size_t Characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

// Finds the ends of statements: skips strings, quoted names, dollar quotes and comments, as
// PostgreSQL's own lexer does.
class StatementScanner {
 public:
  explicit StatementScanner(std::string_view sql) : sql_(sql) {}

  // The first statement without its semicolon and what is around it; false when another follows.
  bool First(std::string_view& out) {
    size_t begin = sql_.size(), end = 0;
    bool ended = false;
    while (at_ < sql_.size()) {
      if (SkipSpaceOrComment()) continue;
      if (sql_[at_] == ';') {
        ended = ended || begin != sql_.size();
        ++at_;
        continue;
      }
      if (ended) return false;
      begin = std::min(begin, at_);
      SkipToken();
      end = at_;
    }
    out = begin == sql_.size() ? std::string_view() : sql_.substr(begin, end - begin);
    return true;
  }

 private:
  bool StartsWith(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  bool SkipSpaceOrComment() {
    if (std::isspace(static_cast<unsigned char>(sql_[at_])) != 0) {
      ++at_;
    } else if (StartsWith("--")) {
      at_ = std::min(sql_.find('\n', at_), sql_.size());
    } else if (StartsWith("/*")) {
      int depth = 0;  // block comments nest
      do {
        if (StartsWith("/*")) {
          ++depth;
          at_ += 2;
        } else if (StartsWith("*/")) {
          --depth;
          at_ += 2;
        } else {
          ++at_;
        }
      } while (depth > 0 && at_ < sql_.size());
      at_ = std::min(at_, sql_.size());
    } else {
      return false;
    }
    return true;
  }

  void SkipToken() {
    char c = sql_[at_];
    if (c == '\'' || c == '"') {
      SkipQuoted(c, false);
    } else if ((c == 'e' || c == 'E') && sql_.substr(at_ + 1).starts_with('\'')) {
      ++at_;
      SkipQuoted('\'', true);
    } else if (IsWord(c)) {
      while (at_ < sql_.size() && (IsWord(sql_[at_]) || sql_[at_] == '$')) ++at_;
    } else if (c == '$') {
      SkipDollarQuoted();
    } else {
      ++at_;
    }
  }

  void SkipQuoted(char quote, bool backslashes) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (backslashes && sql_[at_] == '\\') {
        ++at_;
      } else if (sql_[at_] == quote) {
        ++at_;
        return;
      }
    }
    at_ = sql_.size();
  }

  void SkipDollarQuoted() {
    size_t end = at_ + 1;
    while (end < sql_.size() && IsWord(sql_[end])) ++end;
    if (end == sql_.size() || sql_[end] != '$') {
      at_ = end;  // a parameter, or a lone dollar
      return;
    }
    std::string_view tag = sql_.substr(at_, end + 1 - at_);
    size_t close = sql_.find(tag, end + 1);
    at_ = close == sql_.npos ? sql_.size() : close + tag.size();
  }

  std::string_view sql_;
  size_t at_ = 0;
};

// Puts "prefix FROM <the model> suffix" together.
absl::StatusOr<ModelQuery> Over(const Model& model, std::string_view schema, std::string prefix,
                                std::string_view suffix) {
  ModelQuery query;
  query.sql = std::move(prefix) + " FROM ";
  if (!model.table.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(std::string table, QualifiedTable(model, schema));
    query.sql += table + " AS \"model\"";
  } else {
    std::string_view statement;
    if (!StatementScanner(model.sql).First(statement))
      return Refuse(model, "its sql has more than one statement; keep one SELECT");
    if (statement.empty()) return Refuse(model, "its sql is empty; write a SELECT");
    query.user_sql = statement;
    // The line break ends a comment at the end of the user's SQL.
    query.sql += "(";
    query.user_sql_at = Characters(query.sql);
    (query.sql += query.user_sql) += "\n) AS \"model\"";
  }
  query.sql += suffix;
  return query;
}

}  // namespace

std::string ModelQuery::Place(size_t position) const {
  size_t left = position - 1;  // characters before the place
  if (position == 0 || user_sql.empty() || left < user_sql_at ||
      left - user_sql_at > Characters(user_sql))
    return "";
  left -= user_sql_at;
  size_t line = 1, column = 1;
  for (char c : user_sql) {
    if (IsContinuation(c)) continue;
    if (left-- == 0) break;
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column) +
         " of the model's SQL";
}

std::string QuoteIdentifier(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    quoted += c;
    if (c == '"') quoted += '"';
  }
  return quoted + '"';
}

absl::StatusOr<std::string> QualifiedTable(const Model& model, std::string_view schema) {
  std::vector<std::string> parts(1);
  bool in_quotes = false;
  for (size_t i = 0; i < model.table.size(); ++i) {
    char c = model.table[i];
    if (c == '"' && in_quotes && i + 1 < model.table.size() && model.table[i + 1] == '"') {
      parts.back() += model.table[++i];
    } else if (c == '"') {
      in_quotes = !in_quotes;
    } else if (c == '.' && !in_quotes) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  bool empty_part =
      std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.empty(); });
  if (in_quotes || empty_part || parts.size() > 3)
    return Refuse(model, "table \"" + model.table + "\" is not a name like schema.table");
  if (parts.size() == 1 && !schema.empty()) parts.insert(parts.begin(), std::string(schema));
  std::string name;
  for (const std::string& part : parts) {
    if (!name.empty()) name += '.';
    name += QuoteIdentifier(part);
  }
  return name;
}

absl::StatusOr<ModelQuery> DescribeQuery(const Model& model, std::string_view schema) {
  return Over(model, schema, "SELECT *", "");
}

// Every backslash counts as itself: connections have standard_conforming_strings on.
absl::StatusOr<std::string> QuoteLiteral(std::string_view text) {
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\0')
      return Error(ErrorCode::kINVALID_REQUEST, "a key has a NUL character, which no row has");
    quoted += c;
    if (c == '\'') quoted += '\'';
  }
  return quoted + '\'';
}

absl::StatusOr<ModelQuery> ReadQuery(const Model& model, std::string_view schema,
                                     std::span<const SelectColumn> columns, const RowKey& key) {
  std::string prefix = "COPY (SELECT ";
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) prefix += ", ";
    prefix += "\"model\"." + QuoteIdentifier(columns[i].name) + "::" + columns[i].type;
  }
  std::string suffix;
  for (const auto& [column, text] : key) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string value, QuoteLiteral(text));
    // A literal without a type takes the column's, so that an index on it serves.
    suffix += (suffix.empty() ? " WHERE \"model\"." : " AND \"model\".") + QuoteIdentifier(column) +
              " = " + value;
  }
  return Over(model, schema, std::move(prefix), suffix + ") TO STDOUT (FORMAT binary)");
}

}  // namespace penstock

#include "services/loader/destinations/postgres/postgres_target.h"

#include <map>
#include <set>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/status.h"

namespace penstock::loader {

absl::StatusOr<TargetLayout> DescribeTarget(PgConnection& session, const PostgresTarget& target) {
  const auto& [table, header, omittable] = target;
  PENSTOCK_ASSIGN_OR_RETURN(
      const PgResult found,
      session.Exec("SELECT attname::text, format_type(atttypid, -1), atttypid::int8 "
                   "FROM pg_attribute "
                   "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
                   {QuoteTable(table)}));
  if (found.empty()) {
    return Error(
        ErrorCode::kDESTINATION_REJECTED,
        fmt::format("table {} does not exist, or its schema is closed to this user; create "
                    "it or correct the Sync's object",
                    table));
  }
  std::map<std::string, TargetColumn, std::less<>> columns;
  for (int row = 0; row < found.rows(); ++row) {
    const std::string name(found.Text(row, 0));
    columns[name] = {name, std::string(found.Text(row, 1)),
                     static_cast<uint32_t>(found.Int(row, 2))};
  }
  TargetLayout layout;
  layout.table = table;
  layout.identity = header.identity_fields;
  layout.omittable = omittable;
  std::vector<int64_t> types;
  std::vector<std::string> missing;
  for (const BatchField& field : header.fields) {
    const auto column = columns.find(field.path.front());
    if (column == columns.end()) {
      missing.push_back(field.path.front());
      continue;
    }
    layout.columns.push_back(column->second);
    types.push_back(StagedType(field.pg_type));
  }
  if (!missing.empty()) {
    return Error(ErrorCode::kDESTINATION_REJECTED,
                 fmt::format("table {} has no column {}; add it or correct the Sync's mapping",
                             table, fmt::join(missing, ", ")));
  }
  PENSTOCK_ASSIGN_OR_RETURN(const PgResult names,
                            session.Exec("SELECT format_type(type::oid, NULL) "
                                         "FROM unnest($1) WITH ORDINALITY AS u(type, i) ORDER BY i",
                                         {PgValue::Int8s(types)}));
  for (size_t i = 0; i < types.size(); ++i) {
    layout.wire_types.push_back(
        {header.fields[i].pg_type, std::string(names.Text(static_cast<int>(i), 0))});
  }
  return layout;
}

absl::Status CheckUnique(PgConnection& session, const TargetLayout& layout) {
  PENSTOCK_ASSIGN_OR_RETURN(
      const PgResult found,
      session.Exec("SELECT i.indexrelid::int8, a.attname::text "
                   "FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
                   "AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
                   "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indimmediate "
                   "AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL",
                   {QuoteTable(layout.table)}));
  std::map<int64_t, std::set<std::string>> indexes;
  for (int row = 0; row < found.rows(); ++row) {
    indexes[found.Int(row, 0)].insert(std::string(found.Text(row, 1)));
  }
  std::set<std::string> identity;
  for (const uint16_t i : layout.identity) identity.insert(layout.columns[i].name);
  for (const auto& [index, columns] : indexes) {
    if (columns == identity) return absl::OkStatus();
  }
  return Error(ErrorCode::kDESTINATION_REJECTED,
               fmt::format("table {} has no unique constraint on the identity ({}), without which "
                           "rows can't be matched; add one: ALTER TABLE {} ADD UNIQUE ({})",
                           layout.table, fmt::join(identity, ", "), layout.table,
                           fmt::join(identity, ", ")));
}

}  // namespace penstock::loader

#include "services/loader/destinations/postgres/postgres_sql.h"

#include <algorithm>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/hash.h"

namespace penstock::loader {
namespace {

constexpr uint32_t kText = 25;
// src/include/access/transam.h: FirstNormalObjectId.
constexpr uint32_t kFirstUserType = 16384;

template <typename T>
void AppendBigEndian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<uint64_t>(value) >> shift);
  }
}

// A staged value in the type of its column.
std::string Staged(const TargetLayout& layout, size_t i) {
  const std::string column = fmt::format("s.f{}", i);
  return StagedType(layout.wire_types[i].oid) == layout.columns[i].type_oid
             ? column
             : fmt::format("{}::{}", column, layout.columns[i].type);
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

// t.id = s.f0 AND …
std::string SameIdentity(const TargetLayout& layout, std::string_view target) {
  std::vector<std::string> parts;
  for (const uint16_t i : layout.identity) {
    parts.push_back(
        fmt::format("{}.{} = {}", target, QuoteColumn(layout.columns[i].name), Staged(layout, i)));
  }
  return Join(parts, " AND ");
}

bool Contains(const std::vector<uint16_t>& columns, size_t i) {
  return std::find(columns.begin(), columns.end(), i) != columns.end();
}

// The staged records that leave out exactly these columns, as s.
std::string StagedRecords(const TargetLayout& layout, const LeftOut& left_out) {
  std::vector<std::string> conditions;
  for (const uint16_t i : layout.omittable) {
    conditions.push_back(fmt::format("f{} IS {}NULL", i, Contains(left_out, i) ? "" : "NOT "));
  }
  const std::string table = "pg_temp." + StagingTable(layout);
  if (conditions.empty()) return table + " s";
  return fmt::format("(SELECT * FROM {} WHERE {}) s", table, Join(conditions, " AND "));
}

std::string InsertSql(const TargetLayout& layout, const LeftOut& left_out,
                      std::string_view on_conflict) {
  std::vector<std::string> columns, values, identity;
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    if (Contains(left_out, i)) continue;
    columns.push_back(QuoteColumn(layout.columns[i].name));
    values.push_back(Staged(layout, i));
  }
  for (const uint16_t i : layout.identity) identity.push_back(QuoteColumn(layout.columns[i].name));
  return fmt::format("INSERT INTO {} AS t ({}) SELECT {} FROM {} ORDER BY s.n ON CONFLICT ({}) {}",
                     QuoteTable(layout.table), Join(columns, ", "), Join(values, ", "),
                     StagedRecords(layout, left_out), Join(identity, ", "), on_conflict);
}

}  // namespace

uint32_t StagedType(uint32_t wire_type) {
  return wire_type >= kFirstUserType ? kText : wire_type;
}

std::string QuoteColumn(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string QuoteTable(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return QuoteColumn(name);
  return QuoteColumn(name.substr(0, dot)) + "." + QuoteColumn(name.substr(dot + 1));
}

std::string StagingTable(const TargetLayout& layout) {
  std::string types;
  for (const WireType& type : layout.wire_types) types += type.name + ",";
  return fmt::format("penstock_{:016x}", HashBytes64(types));
}

std::string CreateStagingSql(const TargetLayout& layout) {
  std::string columns = "n int4";
  for (size_t i = 0; i < layout.wire_types.size(); ++i) {
    columns += fmt::format(", f{} {}", i, layout.wire_types[i].name);
  }
  return fmt::format("CREATE TEMPORARY TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS",
                     StagingTable(layout), columns);
}

std::string CopySql(const TargetLayout& layout) {
  return fmt::format("COPY pg_temp.{} FROM STDIN (FORMAT binary)", StagingTable(layout));
}

std::set<LeftOut> FieldSets(const TargetLayout& layout, const Batch& batch,
                            std::span<const uint32_t> records) {
  if (layout.omittable.empty()) return {{}};
  std::set<LeftOut> sets;
  for (const uint32_t record : records) {
    LeftOut left_out;
    for (const uint16_t field : layout.omittable) {
      if (!batch.value(record, field)) left_out.push_back(field);
    }
    sets.insert(std::move(left_out));
  }
  return sets;
}

std::string ApplySql(const TargetLayout& layout, Operation operation, const LeftOut& left_out) {
  std::vector<std::string> excluded, staged;
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    if (Contains(layout.identity, i) || Contains(left_out, i)) continue;
    const std::string column = QuoteColumn(layout.columns[i].name);
    excluded.push_back(fmt::format("{} = EXCLUDED.{}", column, column));
    staged.push_back(fmt::format("{} = {}", column, Staged(layout, i)));
  }
  const std::string table = QuoteTable(layout.table);
  const std::string records = StagedRecords(layout, left_out);
  switch (operation) {
    case Operation::kUpsert:
      return InsertSql(layout, left_out,
                       excluded.empty() ? "DO NOTHING" : "DO UPDATE SET " + Join(excluded, ", "));
    case Operation::kInsert:
    case Operation::kAppend:
      // RETURNING can't name the staged row, so the inserted identities are matched to them.
      return fmt::format("WITH done AS ({} RETURNING t.*) SELECT s.n FROM {} JOIN done ON {}",
                         InsertSql(layout, left_out, "DO NOTHING"), records,
                         SameIdentity(layout, "done"));
    case Operation::kUpdate:
      if (staged.empty()) {
        return fmt::format("SELECT s.n FROM {} JOIN {} t ON {}", records, table,
                           SameIdentity(layout, "t"));
      }
      return fmt::format("UPDATE {} t SET {} FROM {} WHERE {} RETURNING s.n", table,
                         Join(staged, ", "), records, SameIdentity(layout, "t"));
    case Operation::kRemove:
      return fmt::format("DELETE FROM {} t USING {} WHERE {} RETURNING s.n", table, records,
                         SameIdentity(layout, "t"));
    case Operation::kForget:  // never leaves Penstock
      break;
  }
  return {};
}

std::string CopyData(const Batch& batch, std::span<const uint32_t> records) {
  static constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
  std::string out(kSignature);
  AppendBigEndian<uint32_t>(out, 0);  // flags
  AppendBigEndian<uint32_t>(out, 0);  // no more header
  const auto fields = static_cast<uint16_t>(batch.header().fields.size());
  for (size_t i = 0; i < records.size(); ++i) {
    AppendBigEndian<uint16_t>(out, fields + 1);
    AppendBigEndian<uint32_t>(out, 4);
    AppendBigEndian<uint32_t>(out, static_cast<uint32_t>(i));
    for (uint16_t field = 0; field < fields; ++field) {
      const auto value = batch.value(records[i], field);
      AppendBigEndian<uint32_t>(out, value ? static_cast<uint32_t>(value->size()) : ~uint32_t{0});
      if (value) out += *value;
    }
  }
  AppendBigEndian<uint16_t>(out, 0xFFFF);
  return out;
}

}  // namespace penstock::loader

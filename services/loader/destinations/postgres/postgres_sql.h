#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/model/batch.h"
#include "services/common/model/operation.h"

namespace penstock::loader {

// A column of the target table that a field is written to.
struct TargetColumn {
  std::string name;
  std::string type;  // without its modifier, so that a value too long fails and is not cut
  uint32_t type_oid = 0;
};

struct WireType {
  uint32_t oid = 0;
  std::string name;
};

// The type in which slices of this type are staged: their own, and text for types that users
// define, whose numbers differ from database to database (an enum's binary form is its label).
uint32_t StagedType(uint32_t wire_type);

// What is written where. Columns stand in the order of the batch's fields.
struct TargetLayout {
  std::string table;  // "schema.table" or "table", as the Sync's object says
  std::vector<TargetColumn> columns;
  std::vector<WireType> wire_types;  // of the slices
  std::vector<uint16_t> identity;    // indexes into columns
  std::vector<uint16_t> omittable;   // those that a NULL leaves as they are (on_null: omit)
};

// Indexes into columns that some records leave out, in the order of TargetLayout::omittable.
using LeftOut = std::vector<uint16_t>;

// What the records leave out: each set that at least one of them has.
std::set<LeftOut> FieldSets(const TargetLayout& layout, const Batch& batch,
                            std::span<const uint32_t> records);

// "a"."b" of a.b; quotes inside are doubled.
std::string QuoteTable(std::string_view name);
std::string QuoteColumn(std::string_view name);

// The temporary table that a batch is copied into: n (the record's position) and one column per
// field, in the type of its slices. Its rows go with the transaction, the table with the session.
std::string StagingTable(const TargetLayout& layout);  // its name, the same for one layout
std::string CreateStagingSql(const TargetLayout& layout);
std::string CopySql(const TargetLayout& layout);
// Carries the operation out for the staged records that leave out exactly these columns. Returns
// the n of each record that it touched, but for upsert, which touches all or fails.
std::string ApplySql(const TargetLayout& layout, Operation operation, const LeftOut& left_out);

// The records as binary COPY data.
std::string CopyData(const Batch& batch, std::span<const uint32_t> records);

}  // namespace penstock::loader

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/model/resources.h"
#include "services/extractor/domain/raw_row.h"

namespace penstock {

// The type of a column in PostgreSQL's terms, with domains resolved to what they stand for.
struct ColumnType {
  uint32_t oid = 0;
  std::string name = {};  // pg_type.typname: "int4", "citext", "_text"
  char kind = 'b';        // pg_type.typtype: b base, e enum, c composite, r range, m multirange
  // Of an array: its element's type, domains resolved; 0 otherwise.
  uint32_t element_oid = 0;
  char element_kind = 'b';
};

struct Column {
  std::string name;
  ColumnType type;
};

struct ModelDescription {
  std::vector<Column> columns;
  // Sets of columns each of which a constraint keeps unique and not NULL, by name, sorted. Empty
  // for models by SQL.
  std::vector<std::vector<std::string>> unique;
};

// A column of the read's SELECT list and the type it is read as ("int8", "text[]").
struct SelectColumn {
  std::string name;
  std::string type;
  friend bool operator==(const SelectColumn&, const SelectColumn&) = default;
};

// Columns and the text of their values: the one row that is asked for. Empty: every row.
using RowKey = std::map<std::string, std::string>;

// Gets blocks of rows in the order of the read; the rows are valid during the call only. An error
// ends the read, which returns it.
using RowBlockHandler = std::function<absl::Status(std::span<const RawRow>)>;

// A connection to a warehouse. Calls block; one call at a time, each on the caller's thread, which
// for a read is a thread of its own. Only Cancel may be called beside them, from any thread.
class Warehouse {
 public:
  virtual ~Warehouse() = default;

  // SOURCE_UNREACHABLE, SOURCE_AUTHENTICATION_FAILED, SOURCE_QUERY_FAILED or SOURCE_CONNECTION_LOST
  // here and below.
  virtual absl::Status Test() = 0;
  virtual absl::StatusOr<ModelDescription> Describe(const Model& model) = 0;
  // One consistent pass over the rows of the model that have the key. MODEL_COLUMN_MISSING when a
  // column of `columns` is gone.
  virtual absl::Status Read(const Model& model, std::span<const SelectColumn> columns,
                            const RowKey& key, const RowBlockHandler& handler) = 0;
  // As the warehouse sent them, of all reads.
  virtual uint64_t BytesRead() const = 0;
  // Makes the call that is under way, if any, return soon with SOURCE_QUERY_FAILED.
  virtual void Cancel() = 0;
};

}  // namespace penstock

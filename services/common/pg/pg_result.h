#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "services/common/core/uuid.h"

struct pg_result;

namespace penstock {

// A result in binary form. Accessors convert from PostgreSQL's wire form; what they return as views
// lives as long as the result. REQUIRES: row < rows(), the column exists and is of a fitting type,
// and is not NULL unless said.
class PgResult {
 public:
  explicit PgResult(pg_result* result);
  ~PgResult();
  PgResult(PgResult&& other) noexcept;
  PgResult& operator=(PgResult&& other) noexcept;

  int rows() const;
  bool empty() const { return rows() == 0; }
  // Rows that an INSERT, UPDATE or DELETE touched.
  int64_t affected() const;

  bool IsNull(int row, int column) const;
  int64_t Int(int row, int column) const;  // int2, int4, int8; 0 for NULL
  uint64_t UInt(int row, int column) const { return static_cast<uint64_t>(Int(row, column)); }
  bool Bool(int row, int column) const;              // false for NULL
  double Double(int row, int column) const;          // float8; 0 for NULL
  std::string_view Text(int row, int column) const;  // text, bytea; empty for NULL
  Uuid GetUuid(int row, int column) const;
  // timestamptz as microseconds since 1970.
  int64_t Micros(int row, int column) const;

 private:
  pg_result* result_;
};

}  // namespace penstock

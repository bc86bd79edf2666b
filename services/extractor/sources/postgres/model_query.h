#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"
#include "services/extractor/domain/warehouse.h"

namespace penstock {

// SQL over a model, and where the user's own SQL stands in it.
struct ModelQuery {
  std::string sql;
  std::string user_sql;    // empty for a table
  size_t user_sql_at = 0;  // characters of `sql` before it

  // "line 3, column 7 of the model's SQL" for a server's position (characters, from 1); empty when
  // it is not in there.
  std::string Place(size_t position) const;
};

// "Name" for PostgreSQL, quoted.
std::string QuoteIdentifier(std::string_view name);
// "marts"."orders" from the Model's `table`: parts between dots as they are written, or quoted like
// in SQL; unqualified ones in `schema` unless that is empty. INVALID_RESOURCE when it is no name.
absl::StatusOr<std::string> QualifiedTable(const Model& model, std::string_view schema);

// SELECT * over the model. INVALID_RESOURCE when its SQL is empty or more than one statement.
absl::StatusOr<ModelQuery> DescribeQuery(const Model& model, std::string_view schema);
// 'text' for PostgreSQL; INVALID_REQUEST for a text with a NUL, which no value has.
absl::StatusOr<std::string> QuoteLiteral(std::string_view text);
// COPY in binary of the columns of the rows that have the key.
absl::StatusOr<ModelQuery> ReadQuery(const Model& model, std::string_view schema,
                                     std::span<const SelectColumn> columns, const RowKey& key);

}  // namespace penstock

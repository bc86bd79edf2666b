#pragma once

#include "absl/status/statusor.h"
#include "services/extractor/domain/warehouse.h"
#include "services/extractor/sources/postgres/source_connection.h"

namespace penstock {

// The model's columns, and for a table what keeps which of them unique. Within the connection's
// transaction. SOURCE_QUERY_FAILED also when two columns have one name.
absl::StatusOr<ModelDescription> DescribeModel(SourceConnection& connection, const Model& model,
                                               const std::string& schema);

}  // namespace penstock

#include "services/extractor/sources/postgres/describe.h"

#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <set>

#include "services/common/core/status.h"

namespace penstock {
namespace {

// A type with its domains resolved; `element` is 0 unless it is a true array.
struct TypeInfo {
  uint32_t oid = 0;
  std::string name;
  char kind = 'b';
  uint32_t element = 0;
};
using Types = std::map<uint32_t, TypeInfo>;

constexpr const char* kTypesSql = R"(
WITH RECURSIVE t AS (
  SELECT oid AS root, oid, typname, typtype, typbasetype, typelem
    FROM pg_catalog.pg_type WHERE oid = ANY($1::pg_catalog.oid[])
  UNION ALL
  SELECT t.root, b.oid, b.typname, b.typtype, b.typbasetype, b.typelem
    FROM t JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype)
SELECT t.root, t.oid, t.typname, t.typtype,
       CASE WHEN e.typarray = t.oid THEN t.typelem ELSE 0 END
  FROM t LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
 WHERE t.typtype <> 'd')";

// Unique indexes over plain columns that can't be NULL. An index of a table with children that are
// not partitions does not cover the children's rows.
constexpr const char* kUniqueSql = R"(
SELECT i.indexrelid, a.attname
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
   AND a.attnum = ANY((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
 WHERE c.oid = pg_catalog.to_regclass($1) AND i.indisunique AND i.indisvalid
   AND i.indpred IS NULL AND i.indexprs IS NULL
   AND (c.relkind = 'p' OR NOT EXISTS (
     SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid))
   AND NOT EXISTS (
     SELECT FROM pg_catalog.pg_attribute n WHERE n.attrelid = c.oid AND NOT n.attnotnull
      AND n.attnum = ANY((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]))
 ORDER BY i.indexrelid, a.attname)";

uint32_t OidAt(const PGresult* result, int row, int column) {
  return static_cast<uint32_t>(std::stoul(PQgetvalue(result, row, column)));
}

absl::StatusOr<Types> LoadTypes(SourceConnection& connection, const std::set<uint32_t>& oids) {
  std::string list = "{";
  for (uint32_t oid : oids) list += (list.size() > 1 ? "," : "") + std::to_string(oid);
  PENSTOCK_ASSIGN_OR_RETURN(PgResultPtr result, connection.RunWith(kTypesSql, list + "}"));
  Types types;
  for (int row = 0; row < PQntuples(result.get()); ++row)
    types[OidAt(result.get(), row, 0)] = {
        OidAt(result.get(), row, 1), PQgetvalue(result.get(), row, 2),
        PQgetvalue(result.get(), row, 3)[0], OidAt(result.get(), row, 4)};
  return types;
}

absl::StatusOr<std::vector<std::vector<std::string>>> LoadUnique(SourceConnection& connection,
                                                                 const std::string& table) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResultPtr result, connection.RunWith(kUniqueSql, table));
  std::map<uint32_t, std::vector<std::string>> by_index;
  for (int row = 0; row < PQntuples(result.get()); ++row)
    by_index[OidAt(result.get(), row, 0)].emplace_back(PQgetvalue(result.get(), row, 1));
  std::vector<std::vector<std::string>> unique;
  for (auto& [index, columns] : by_index) {
    std::sort(columns.begin(), columns.end());
    unique.push_back(std::move(columns));
  }
  return unique;
}

}  // namespace

absl::StatusOr<ModelDescription> DescribeModel(SourceConnection& connection, const Model& model,
                                               const std::string& schema) {
  PENSTOCK_ASSIGN_OR_RETURN(ModelQuery query, DescribeQuery(model, schema));
  PgResultPtr prepared(PQprepare(connection.raw(), "", query.sql.c_str(), 0, nullptr));
  if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK)
    return connection.Failure(prepared.get(), &query);
  PgResultPtr described(PQdescribePrepared(connection.raw(), ""));
  if (PQresultStatus(described.get()) != PGRES_COMMAND_OK)
    return connection.Failure(described.get(), &query);

  std::set<uint32_t> oids, elements;
  std::set<std::string> names;
  for (int i = 0; i < PQnfields(described.get()); ++i) {
    oids.insert(PQftype(described.get(), i));
    if (std::string name = PQfname(described.get(), i); !names.insert(name).second)
      return Error(ErrorCode::kSOURCE_QUERY_FAILED,
                   "model \"" + model.meta.name + "\" has two columns \"" + name +
                       "\"; give one of them another name (AS ...)");
  }
  PENSTOCK_ASSIGN_OR_RETURN(Types types, LoadTypes(connection, oids));
  for (const auto& [root, type] : types) {
    if (type.element != 0) elements.insert(type.element);
  }
  PENSTOCK_ASSIGN_OR_RETURN(Types element_types, LoadTypes(connection, elements));

  ModelDescription description;
  for (int i = 0; i < PQnfields(described.get()); ++i) {
    const TypeInfo& type = types[PQftype(described.get(), i)];
    Column column{PQfname(described.get(), i),
                  {.oid = type.oid, .name = type.name, .kind = type.kind}};
    // An array of a domain over an array has no plain element; it is read as text.
    if (const TypeInfo& element = element_types[type.element];
        type.element != 0 && element.element == 0) {
      column.type.element_oid = element.oid;
      column.type.element_kind = element.kind;
    }
    description.columns.push_back(std::move(column));
  }
  if (!model.table.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(std::string table, QualifiedTable(model, schema));
    PENSTOCK_ASSIGN_OR_RETURN(description.unique, LoadUnique(connection, table));
  }
  return description;
}

}  // namespace penstock

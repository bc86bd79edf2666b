#pragma once

#include <string>

#include "services/common/values/value.h"
#include "services/extractor/domain/mapping/program.h"

// Values for destinations that take PostgreSQL's binary form.
namespace penstock {

// The type of the field's slices: that of the read for a plain column; for a computed value bigint,
// boolean, json where its kind is known before it is read, else text.
uint32_t PgTypeOf(const FieldProgram& field);

// Appends the binary form of a computed, non-null value in the type that PgTypeOf gave. CAST_FAILED
// when it has none (an integer beyond bigint).
MaybeError AppendPgValue(std::string& out, uint32_t pg_type, const Value& value);

}  // namespace penstock

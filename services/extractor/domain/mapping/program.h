#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/functions/bind.h"
#include "services/common/model/batch.h"
#include "services/common/model/resources.h"
#include "services/extractor/domain/mapping/wire_type.h"
#include "services/extractor/domain/warehouse.h"

// A Sync's mapping, compiled against the columns that its Model has.
namespace penstock {

// How an identity field enters the key's hash (docs/formats.md, "Hashes").
enum class KeyClass : uint8_t { kInteger = 1, kText = 2, kUuid = 3, kSent = 4 };

// A column of the read, and a path into its JSON.
struct ColumnRead {
  int column = -1;  // index into the read's columns; -1: none
  WireType type;
  std::vector<std::string> path;
};

// A function and the columns that it takes beside its value. Secrets stand in place of their names.
struct FunctionStep {
  BoundFunction function;
  std::vector<ColumnRead> columns;
};

// A piece of a template: a constant (of kind kText where it is a text between expressions), or a
// column; and what is done to it.
struct TemplatePiece {
  Literal constant;
  ColumnRead column;
  std::vector<FunctionStep> filters;
};

struct FieldProgram {
  std::string name;                            // as users write it, for messages
  ColumnRead from;                             // none: a template, or a constant
  std::vector<TemplatePiece> template_pieces;  // of a template
  std::string constant_json;                   // of a constant
  std::optional<std::string> default_json;
  Cast cast = Cast::kNone;
  std::vector<FunctionStep> transforms;
  OnNull on_null = OnNull::kSend;
  Normalisation normalisation = Normalisation::kNone;
  KeyClass key_class = KeyClass::kSent;
  bool plain = false;    // the column's value and nothing done to it
  uint32_t pg_type = 0;  // of its slices in PgBinary

  // Whether rows with different values of the column always give different values of the field.
  bool KeepsUniqueness() const { return plain && normalisation == Normalisation::kNone; }
};

// Immutable; shared by threads.
struct Program {
  std::vector<SelectColumn> select;  // the first `hashed_columns` of them are the recipe's
  std::vector<WireType> types;       // of select
  size_t hashed_columns = 0;
  uint64_t recipe = 0;
  uint64_t identity_fingerprint = 0;
  std::vector<FieldProgram> fields;  // in the mapping's order
  // What the key's hash is made of: the identity fields, or, of an append, the primary key's
  // columns.
  std::vector<FieldProgram> key;
  std::vector<uint16_t> identity;                 // indexes into fields, in the Sync's order
  std::vector<int> primary_key;                   // indexes into select
  std::vector<BatchField> batch_fields;           // of fields
  std::vector<BatchField> identity_batch_fields;  // of identity, for removals
  // A constraint keeps the key unique, and the mapping keeps what is unique: there are no
  // duplicates, so batches need not wait for the end of the read.
  bool key_is_unique = false;
  Encoding encoding = Encoding::kJson;
  ValueRules values;
  bool keeps_identity = false;
  absl::TimeZone zone;
  size_t max_record_bytes = 0;
};

struct CompileInput {
  const Sync& sync;
  const Model& model;
  const ModelDescription& description;
  const std::string& timezone;  // of the Source
  Encoding encoding = Encoding::kJson;
  ValueRules values = {};
  std::map<std::string, Normalisation> normalise = {};  // by name of the identity field
  // The value of a reference to a secret; SECRET_NOT_FOUND.
  std::function<absl::StatusOr<std::string>(const std::string& reference)> secret = {};
  // Of a record's slices together: what no batch of the operation could hold.
  size_t max_record_bytes = 64 << 20;
};

struct CompileError {
  ErrorCode code = ErrorCode::kINVALID_RESOURCE;
  std::string field;  // "mapping.email.transform[1]", as in the Sync's YAML
  std::string message;
};

// Exactly one of the two is there.
struct CompileResult {
  std::optional<Program> program;
  std::vector<CompileError> errors;
};
CompileResult Compile(const CompileInput& input);

}  // namespace penstock

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock {

// How a Sync keeps its object equal to its Model. Audience is refused as "not supported yet".
enum class Mode : uint8_t {
  kUpsert = 1,
  kUpdate = 2,
  kInsert = 3,
  kMirror = 4,
  kAppend = 5,
  kAudience = 6
};

// What a batch does with each of its records. The numbers are stored and sent (docs/formats.md).
// Forget: nothing is sent; a row that left an append's model is no longer known as delivered.
enum class Operation : uint8_t {
  kUpsert = 1,
  kUpdate = 2,
  kInsert = 3,
  kRemove = 4,
  kAppend = 5,
  kForget = 6
};

// What happens to a record whose row left the model.
enum class OnRemoved : uint8_t { kKeep = 1, kDelete = 2 };

// The encoding of value slices in a batch. JSON: each slice is one JSON text. PgBinary: each slice
// is the value in PostgreSQL's binary wire form of the field's type.
enum class Encoding : uint8_t { kJson = 1, kPgBinary = 2 };

std::string_view Name(Mode mode);
std::string_view Name(Operation operation);
std::string_view Name(OnRemoved on_removed);
std::optional<Mode> ModeByName(std::string_view name);
std::optional<Operation> OperationByName(std::string_view name);

// The operation that sends a new or changed row in this mode.
Operation OperationFor(Mode mode);

}  // namespace penstock

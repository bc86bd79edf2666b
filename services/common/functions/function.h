#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "services/common/functions/types.h"
#include "services/common/values/value.h"

// The functions that a mapping applies to values: its transforms, and its templates' filters. One
// table says of each what it takes and gives; whoever checks, compiles or documents mappings reads
// it there.
namespace penstock {

// The most that a function makes of a value: no batch could hold it.
inline constexpr size_t kMaxResultBytes = 32 << 20;
ValueError TooLarge();

// What an argument is. All but a column's value are known, and checked, before any row is read.
enum class ArgumentKind : uint8_t {
  kText,
  kNonEmptyText,
  kPlaces,   // a whole number from -1000 to 1000
  kIndex,    // a whole number of 32 bits
  kCount,    // the same, not negative
  kScalar,   // a text, a number, true or false
  kRegion,   // of phone numbers: two letters that libphonenumber knows
  kZone,     // an IANA time zone
  kPattern,  // of a date, see date_pattern.h
  kUnit,     // s, ms or us
  kSecret,   // a reference to a secret; the extractor puts its value in place
  kColumn,   // a column, with a path into its JSON
};

struct Parameter {
  std::string_view name;
  ArgumentKind kind = ArgumentKind::kText;
  bool required = false;
  bool repeated = false;  // of the last one: takes all arguments that follow
};

// An argument that is a constant, as Bind read it.
struct Argument {
  bool given = false;
  Value::Kind kind = Value::Kind::kText;
  std::string text;
  int64_t number = 0;   // of kPlaces, kIndex, kCount; of kUnit: how many make a second
  absl::TimeZone zone;  // of kZone
};

// A column, and a path into its JSON.
struct ColumnPath {
  std::string column;
  std::vector<std::string> path;
  friend bool operator==(const ColumnPath&, const ColumnPath&) = default;
};

// What a function gets beside its value.
struct FunctionCall {
  std::span<const Argument> arguments;  // by the function's parameters
  std::span<const Value> columns;       // of the arguments that are columns, in their order
  const absl::TimeZone& zone;           // of times that name none
};

struct Function {
  std::string_view name;
  Types takes = types::kAny;
  Types gives = types::kNone;  // kNone: what it got
  std::span<const Parameter> parameters;
  // Replaces `value`, whose text it may leave where it is, point to a part of it or to an argument,
  // or to all of `out`, which comes empty and never holds the value.
  MaybeError (*apply)(const FunctionCall& call, Value& value, std::string& out) = nullptr;
  // Every other function passes NULL through uncalled; this one is called for NULL alone.
  bool for_null = false;
  bool maps_case = false;  // needs this machine's Unicode tables (values/utf8.h)
};

std::span<const Function> AllFunctions();
// nullptr: there is none of that name.
const Function* FindFunction(std::string_view name);
// ` (did you mean "x"?)`, or empty.
std::string SuggestFunction(std::string_view name);

// Why a value of `found` types can't go into a function: both, and what helps.
std::string TypeMismatch(const Function& function, Types found);

// A function with its arguments.
struct BoundFunction {
  const Function* function = nullptr;
  std::vector<Argument> arguments;  // one for each parameter
  std::vector<ColumnPath> columns;
};

// Whether a function is called for this value; if not, it passes as it is.
inline bool IsCalledFor(const Function& function, const Value& value) {
  return value.null() == function.for_null;
}

// Applies a bound function to one value, NULL or not. The result's text lies as Function::apply
// says. CAST_FAILED when the value is of no type that it takes.
MaybeError Apply(const BoundFunction& bound, std::span<const Value> columns,
                 const absl::TimeZone& zone, Value& value, std::string& out);

// What comes out of it, where `columns` are the types of its columns.
Types ResultTypes(const BoundFunction& bound, Types in, Types columns);

}  // namespace penstock

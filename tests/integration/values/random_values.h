#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/core/random.h"

namespace penstock {

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int64_t From(int64_t least, int64_t most) {
    const auto range = static_cast<uint64_t>(most) - static_cast<uint64_t>(least) + 1;
    const uint64_t next = random_.Next();
    return static_cast<int64_t>(static_cast<uint64_t>(least) + (range == 0 ? next : next % range));
  }
  bool OneIn(int64_t n) { return From(1, n) == 1; }
  template <typename T, size_t N>
  const T& Pick(const T (&items)[N]) {
    return items[From(0, N - 1)];
  }

 private:
  SeededRandom random_;
};

// A type that a column can have.
struct RandomType {
  std::string_view column;  // also of the array of it: column_a
  std::string_view sql;     // of the source's column
  // PostgreSQL's text input of a random value.
  std::string (*draw)(Draw& draw);
  // SQL that makes the type's own text of what is sent of it, where that is another.
  std::string_view received = "{}";
  bool array = true;  // there is a column of the array, too
};

// What must stand before the types, as SQL.
extern const std::string_view kTypesSql;

// Whose values all have a form in JSON.
std::vector<RandomType> Types();
// Whose values have none: not finite, or of a year that is not one of 0000 to 9999.
std::vector<RandomType> TypesWithoutJson();

// Random text input of an array: up to three dimensions, NULLs, other lower bounds, empty.
std::string DrawArray(Draw& draw, const RandomType& type);

// 'a''b'
std::string Literal(std::string_view text);

}  // namespace penstock

#include "services/common/pg/pg_result.h"

#include <libpq-fe.h>

#include <bit>
#include <charconv>
#include <utility>

namespace penstock {
namespace {

// PostgreSQL counts timestamps from 2000-01-01.
constexpr int64_t kEpochOffsetMicros = 946'684'800'000'000;

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

}  // namespace

PgResult::PgResult(pg_result* result) : result_(result) {}
PgResult::~PgResult() {
  PQclear(result_);
}
PgResult::PgResult(PgResult&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
PgResult& PgResult::operator=(PgResult&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}

int PgResult::rows() const {
  return PQntuples(result_);
}

int64_t PgResult::affected() const {
  const std::string_view text = PQcmdTuples(result_);
  int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

bool PgResult::IsNull(int row, int column) const {
  return PQgetisnull(result_, row, column) != 0;
}

std::string_view PgResult::Text(int row, int column) const {
  return {PQgetvalue(result_, row, column), static_cast<size_t>(PQgetlength(result_, row, column))};
}

int64_t PgResult::Int(int row, int column) const {
  const std::string_view raw = Text(row, column);
  const uint64_t value = BigEndian(raw);
  switch (raw.size()) {
    case 2:
      return static_cast<int16_t>(value);
    case 4:
      return static_cast<int32_t>(value);
    default:
      return static_cast<int64_t>(value);
  }
}

bool PgResult::Bool(int row, int column) const {
  const std::string_view raw = Text(row, column);
  return !raw.empty() && raw[0] != 0;
}

double PgResult::Double(int row, int column) const {
  return std::bit_cast<double>(BigEndian(Text(row, column)));
}

Uuid PgResult::GetUuid(int row, int column) const {
  return Uuid::FromRaw(Text(row, column));
}

int64_t PgResult::Micros(int row, int column) const {
  return Int(row, column) + kEpochOffsetMicros;
}

}  // namespace penstock

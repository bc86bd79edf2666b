#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "services/extractor/domain/mapping/wire_type.h"
#include "services/extractor/domain/raw_row.h"

// The hashes over raw bytes (docs/formats.md, "Hashes").
namespace penstock {

// Whether equal values of this type may differ in their bytes: floats (-0, the NaNs) and arrays
// (the element type's OID).
bool NeedsCanonicalBytes(const WireType& type);

// The hash of a row's first `columns` fields. `canonical` lists those of them that need canonical
// bytes; only then is the row copied, into `scratch`.
uint64_t HashRow(const RawRow& row, size_t columns, std::span<const WireType> types,
                 std::span<const size_t> canonical, uint64_t seed, std::string& scratch);

uint64_t HashPrimaryKey(const RawRow& row, std::span<const int> primary_key,
                        std::span<const WireType> types, uint64_t seed, std::string& scratch);

// Appends an integer's part of a key: from its eight big-endian bytes, or from its digits (false,
// and nothing is appended, when they are beyond 64 bits).
void AppendIntegerKey(std::string_view big_endian, std::string& key);
bool AppendIntegerTextKey(std::string_view digits, std::string& key);

}  // namespace penstock

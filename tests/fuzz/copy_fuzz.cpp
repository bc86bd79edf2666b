// What a warehouse sends: a binary COPY in pieces, and each value in its binary form. The input is
// number of columns, length of the first piece (both u8), then the stream.
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "services/extractor/domain/mapping/decode.h"
#include "services/extractor/sources/postgres/copy_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t columns = data[0] % 8;
  penstock::CopyParser parser(columns);
  const std::string_view first = stream.substr(0, data[1]);
  if (!parser.Add(first).ok() || !parser.Add(stream.substr(first.size())).ok()) return 0;
  std::string scratch;
  for (const penstock::RawRow& row : parser.Block()) {
    for (const penstock::RawField& field : row.fields) {
      if (field.null()) continue;
      for (uint8_t base = 0; base <= static_cast<uint8_t>(penstock::WireBase::kBytea); ++base) {
        for (const bool array : {false, true}) {
          penstock::Value value;
          penstock::Decode({static_cast<penstock::WireBase>(base), array}, field.bytes(),
                           absl::UTCTimeZone(), scratch, value);
        }
      }
    }
  }
  return 0;
}

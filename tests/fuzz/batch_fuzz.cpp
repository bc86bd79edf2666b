// A batch out of Redis. The input is u16 length of the header, header, body: it is compressed and
// gets its checksum here, else no change would get past these.
#include <zstd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "services/common/core/bytes.h"
#include "services/common/model/batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static_cast<void>(penstock::Batch::Decode(input));
  penstock::ByteReader reader(input);
  std::string encoded(reader.Raw(reader.Int<uint16_t>()));
  if (!reader.ok()) return 0;
  const std::string_view body = reader.Raw(reader.remaining());
  std::string frame(ZSTD_compressBound(body.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), body.data(), body.size(), 1));
  encoded += frame;
  penstock::ByteWriter(encoded).Int(penstock::HashBytes64(encoded));

  const auto batch = penstock::Batch::Decode(encoded);
  if (!batch.ok()) return 0;
  size_t seen = 0;
  for (uint32_t i = 0; i < batch->size(); ++i) {
    seen += batch->label(i).size() + batch->intent(i).identity.size();
    for (uint16_t f = 0; f < batch->header().fields.size(); ++f)
      seen += batch->value(i, f).value_or("").size();
  }
  if (seen > body.size()) std::abort();  // slices may not overlap
  return 0;
}

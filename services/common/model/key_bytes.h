#pragma once

#include <string>

#include "services/common/core/bytes.h"
#include "services/common/core/hash.h"

namespace penstock {

// The 16 bytes of a key as reports carry them (docs/formats.md, "Hashes").
inline std::string KeyBytes(const Hash128& key) {
  std::string out;
  ByteWriter w(out);
  w.Int(key.hi);
  w.Int(key.lo);
  return out;
}

}  // namespace penstock

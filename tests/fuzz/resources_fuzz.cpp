// YAML that a user applies.
#include <cstdint>
#include <string_view>

#include "services/common/config/resource_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  penstock::DeclaredResources out;
  penstock::ReadResources("fuzz.yaml", {reinterpret_cast<const char*>(data), size}, out);
  return 0;
}

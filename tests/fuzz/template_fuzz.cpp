// A template or a transform's arguments in a mapping that a user applies: the first byte picks the
// function.
#include <cstdint>
#include <string_view>

#include "services/common/functions/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string> problems;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  penstock::ParseTemplate(text, problems);
  if (size == 0) return 0;
  const auto functions = penstock::AllFunctions();
  penstock::BindTransform(functions[data[0] % functions.size()].name, text.substr(1), problems);
  return 0;
}

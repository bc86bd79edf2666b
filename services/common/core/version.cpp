#include "services/common/core/version.h"

#include "fmt/format.h"

namespace penstock {

std::string_view Revision() {
  return PENSTOCK_REVISION;
}

std::string VersionText() {
  return fmt::format("{} (revision {})", kVersion, Revision());
}

}  // namespace penstock

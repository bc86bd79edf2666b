#include "cli/kinds.h"

#include <algorithm>
#include <array>

#include "fmt/format.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock::cli {

absl::StatusOr<std::string> KindByName(std::string_view name) {
  constexpr std::array<std::string_view, 5> kKinds = {"source", "model", "destination", "connector",
                                                      "sync"};
  std::string wanted(name);
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (wanted.ends_with('s')) wanted.pop_back();
  if (std::find(kKinds.begin(), kKinds.end(), wanted) == kKinds.end())
    return Error(ErrorCode::kINVALID_REQUEST,
                 fmt::format("there is no kind \"{}\"{}; kinds are source, model, destination, "
                             "connector, sync",
                             name, DidYouMean(wanted, kKinds)));
  wanted[0] = static_cast<char>(wanted[0] & ~0x20);
  return wanted;
}

}  // namespace penstock::cli

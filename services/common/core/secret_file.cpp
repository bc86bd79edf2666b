#include "services/common/core/secret_file.h"

#include <optional>
#include <utility>

#include "fmt/format.h"
#include "services/common/core/file.h"
#include "services/common/core/status.h"

namespace penstock {

absl::StatusOr<Secret> ReadSecretFile(const std::string& path) {
  std::optional<std::string> content = ReadWholeFile(path);
  if (!content.has_value())
    return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("{}: can't be read", path));
  if (content->ends_with('\n')) content->pop_back();
  if (content->empty() || content->find('\n') != content->npos) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}: holds no password, which is one line", path));
  }
  return Secret(*std::move(content));
}

}  // namespace penstock

#include "cli/violations.h"

#include "cli/output.h"
#include "cli/session.h"
#include "fmt/format.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock::cli {

std::vector<std::string> ViolationLines(const absl::Status& status, const ResourcePlaces& places) {
  std::vector<std::string> lines;
  for (const FieldViolation& violation : FieldViolationsOf(status)) {
    const std::optional<FilePlace> place = places.Find(violation.field);
    if (!place.has_value()) {
      lines.push_back(fmt::format("{}: {}", violation.field, violation.description));
      continue;
    }
    const size_t path = violation.field.find(": ");
    const std::string message =
        path == std::string::npos
            ? violation.description
            : fmt::format("{}: {}", violation.field.substr(path + 2), violation.description);
    lines.push_back(ResourceError{*place, violation.field, message}.ToString());
  }
  return lines;
}

namespace {

ExitCode PrintLines(const std::vector<std::string>& lines, ExitCode code) {
  for (const std::string& line : lines) fmt::print(stderr, "{}\n", Visible(line));
  fmt::print(stderr, "penstock: {} error{} found; nothing was changed\n", lines.size(),
             lines.size() == 1 ? "" : "s");
  return code;
}

}  // namespace

ExitCode FailFiles(const std::vector<ResourceError>& errors) {
  std::vector<std::string> lines;
  for (const ResourceError& error : errors) lines.push_back(error.ToString());
  return PrintLines(lines, ExitCode::kUsage);
}

ExitCode FailDeclared(const absl::Status& status, const ResourcePlaces& places) {
  const std::vector<std::string> lines = ViolationLines(status, places);
  return lines.empty() ? Fail(status) : PrintLines(lines, ExitCodeOf(status));
}

}  // namespace penstock::cli

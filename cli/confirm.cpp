#include "cli/confirm.h"

#include <unistd.h>

#include <iostream>

#include "cli/output.h"
#include "fmt/format.h"

namespace penstock::cli {
namespace {

// What a change makes of each resource, a line each, its effects below.
void PrintChanges(const v1::ApplyResourcesResponse& response, Format format) {
  if (format == Format::kJson || format == Format::kYaml)
    return Print(MessageText(response, format));
  for (const v1::ResourceChange& change : response.changes()) {
    const std::string name = fmt::format("{}/{}", change.kind(), change.name());
    fmt::print("{}{}\n", name, format == Format::kName ? "" : " " + change.action());
    if (format == Format::kName) continue;
    for (const std::string& effect : change.effects()) fmt::print("  {}\n", effect);
  }
}

bool HasEffects(const v1::ApplyResourcesResponse& response) {
  for (const v1::ResourceChange& change : response.changes()) {
    if (!change.effects().empty()) return true;
  }
  return false;
}

}  // namespace

std::optional<ExitCode> Confirm() {
  std::fflush(stdout);
  if (!isatty(STDIN_FILENO)) {
    fmt::print(stderr,
               "penstock: this sends records again, removes or forgets them; say --yes to do it\n");
    return ExitCode::kUsage;
  }
  std::cout << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return std::nullopt;
  return ExitCode::kFailed;
}

ExitCode ConfirmAndApply(Session& session, v1::ApplyResourcesRequest request, bool yes,
                         const std::function<ExitCode(const absl::Status&)>& fail) {
  const auto call = [&] {
    return session.Call(session.resources(), &v1::ResourceService::StubInterface::ApplyResources,
                        request, kApplyTimeout);
  };
  if (!yes) {
    request.set_validate_only(true);
    const auto checked = call();
    if (!checked.ok()) return fail(checked.status());
    if (HasEffects(*checked)) {
      PrintChanges(*checked, Format::kTable);
      if (const auto stop = Confirm()) return *stop;
    }
    request.set_validate_only(false);
  }
  const auto applied = call();
  if (!applied.ok()) return fail(applied.status());
  PrintChanges(*applied, session.format);
  return ExitCode::kDone;
}

}  // namespace penstock::cli

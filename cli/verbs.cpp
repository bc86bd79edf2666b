#include "cli/verbs.h"

#include <utility>

namespace penstock::cli {

CLI::App* Verbs::Add(const std::string& name, const std::string& help, const std::string& example,
                     std::function<ExitCode()> run) {
  CLI::App* verb = app.add_subcommand(name, help);
  verb->footer("Example:\n  " + example);
  verb->fallthrough();
  verb->callback([this, run = std::move(run)] { chosen = run; });
  return verb;
}

CLI::App* Verbs::AddRemote(const std::string& name, const std::string& help,
                           const std::string& example, std::function<ExitCode()> run) {
  return Add(name, help, example, [this, run = std::move(run)] {
    if (absl::Status status = session.Open(); !status.ok()) return Fail(status);
    return run();
  });
}

}  // namespace penstock::cli

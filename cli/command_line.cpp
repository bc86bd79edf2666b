#include "cli/command_line.h"

#include <cstdio>
#include <cstdlib>

#include "cli/output.h"
#include "services/common/core/status.h"
#include "services/common/core/version.h"

namespace penstock::cli {
namespace {

void AddSessionOptions(CLI::App& app, Session& session) {
  app.add_option("--server", session.server, "Address of the planner")
      ->envname("PENSTOCK_SERVER")
      ->default_str(std::string(Session::kDefaultServer));
  app.add_option("--tls-ca", session.tls_ca,
                 "PEM file of the authorities to verify the planner by; uses TLS")
      ->envname("PENSTOCK_TLS_CA");
  app.add_option("--token-file", session.token_file, "File with the planner's bearer token")
      ->envname("PENSTOCK_TOKEN_FILE");
  app.add_option("--context", session.context_name,
                 "Which server of ~/.config/penstock/config.yaml is meant, if not its current one")
      ->envname("PENSTOCK_CONTEXT");
  app.add_option_function<std::string>(
         "-o,--output",
         [&session](const std::string& name) {
           const absl::StatusOr<Format> format = FormatByName(name);
           if (!format.ok())
             throw CLI::ValidationError("--output", std::string(Std(format.status().message())));
           session.format = *format;
         },
         "The form of what is printed")
      ->type_name("{table,json,yaml,name}");
}

}  // namespace

CommandLine::CommandLine() {
  AddSessionOptions(app_, session_);
  app_.set_version_flag("--version", VersionText());
  app_.require_subcommand(1);
  AddApplyVerbs(verbs_);
  AddDiffVerb(verbs_);
  AddSchemaVerb(verbs_);
  AddResourceVerbs(verbs_);
  AddLifeCycleVerbs(verbs_);
  AddRunVerbs(verbs_);
  AddPlanVerbs(verbs_);
  AddHistoryVerbs(verbs_);
  AddConnectorVerb(verbs_);
  AddClusterVerbs(verbs_);
  AddDiagnosisVerbs(verbs_);
  AddCompletionVerbs(verbs_);
}

int CommandLine::Run(int argc, char** argv) {
  // What gRPC has to say of a connection is in the error that is printed.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    app_.exit(error);
    return static_cast<int>(asked_for_help ? ExitCode::kDone : ExitCode::kUsage);
  }
  const ExitCode code = verbs_.chosen();
  std::fflush(stdout);
  return static_cast<int>(code);
}

}  // namespace penstock::cli

#include <cstdio>

#include "cli/output.h"
#include "cli/verbs.h"
#include "services/common/core/status.h"
#include "services/common/core/version.h"

int main(int argc, char** argv) {
  using namespace penstock::cli;
  CLI::App app("Sends rows of a warehouse to the tools that need them.", "penstock");
  Session session;
  app.add_option("--server", session.server, "Address of the planner")
      ->envname("PENSTOCK_SERVER")
      ->capture_default_str();
  app.add_option("--tls-ca", session.tls_ca,
                 "PEM file of the authorities to verify the planner by; uses TLS")
      ->envname("PENSTOCK_TLS_CA");
  app.add_option("--token-file", session.token_file, "File with the planner's bearer token")
      ->envname("PENSTOCK_TOKEN_FILE");
  app.add_option_function<std::string>(
         "-o,--output",
         [&session](const std::string& name) {
           const absl::StatusOr<Format> format = FormatByName(name);
           if (!format.ok())
             throw CLI::ValidationError("--output",
                                        std::string(penstock::Std(format.status().message())));
           session.format = *format;
         },
         "table, json, yaml or name")
      ->type_name("FORMAT");
  app.set_version_flag("--version", std::string(penstock::kVersion));
  app.require_subcommand(1);
  Verbs verbs{app, session};
  AddApplyVerbs(verbs);
  AddSchemaVerb(verbs);
  AddResourceVerbs(verbs);
  AddLifeCycleVerbs(verbs);
  AddRunVerbs(verbs);
  AddPlanVerbs(verbs);
  AddHistoryVerbs(verbs);
  AddConnectorVerb(verbs);
  AddDiagnosisVerbs(verbs);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    app.exit(error);
    return static_cast<int>(asked_for_help ? ExitCode::kDone : ExitCode::kUsage);
  }
  const ExitCode code = verbs.chosen();
  std::fflush(stdout);
  return static_cast<int>(code);
}

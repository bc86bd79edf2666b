#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "cli/session.h"

namespace penstock::cli {

// The verbs that a command line may name. Parsing chooses one; main runs it.
struct Verbs {
  CLI::App& app;
  Session& session;
  std::function<ExitCode()> chosen = {};

  // A verb with an example below its help; `run` is chosen when it was named.
  CLI::App* Add(const std::string& name, const std::string& help, const std::string& example,
                std::function<ExitCode()> run);
  // The same for one that asks the server.
  CLI::App* AddRemote(const std::string& name, const std::string& help, const std::string& example,
                      std::function<ExitCode()> run);
};

void AddDiffVerb(Verbs& verbs);         // diff
void AddSchemaVerb(Verbs& verbs);       // schema
void AddResourceVerbs(Verbs& verbs);    // get, describe
void AddApplyVerbs(Verbs& verbs);       // apply, validate
void AddLifeCycleVerbs(Verbs& verbs);   // delete, pause, reset
void AddRunVerbs(Verbs& verbs);         // trigger, retry, watch, cancel, resume
void AddPlanVerbs(Verbs& verbs);        // plan, explain
void AddHistoryVerbs(Verbs& verbs);     // runs, records
void AddConnectorVerb(Verbs& verbs);    // connectors
void AddCompletionVerbs(Verbs& verbs);  // completion, and what shells and the build ask
void AddClusterVerbs(Verbs& verbs);     // status, restored
void AddDiagnosisVerbs(Verbs& verbs);   // test, version

}  // namespace penstock::cli

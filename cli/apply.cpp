#include <memory>
#include <utility>

#include "cli/confirm.h"
#include "cli/declared_files.h"
#include "cli/verbs.h"
#include "cli/violations.h"
#include "fmt/format.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/config/resource_check.h"

// apply and validate: files to the server, or held against the rules alone.
namespace penstock::cli {
namespace {

struct ApplyArguments {
  DeclaredFiles files;
  bool paused = false;
  bool yes = false;
};

ExitCode Validate(const ApplyArguments& arguments) {
  DeclaredResources declared = ReadResourceFiles(arguments.files.paths);
  CheckDeclared(declared, BuiltinConnectors());
  if (!declared.errors.empty()) return FailFiles(declared.errors);
  fmt::print("{} resources are valid\n", declared.resources.size());
  return ExitCode::kDone;
}

ExitCode Apply(Session& session, const ApplyArguments& arguments) {
  const DeclaredResources declared = ReadResourceFiles(arguments.files.paths);
  if (!declared.errors.empty()) return FailFiles(declared.errors);
  v1::ApplyResourcesRequest request = RequestOf(arguments.files, declared);
  request.set_paused(arguments.paused);
  return ConfirmAndApply(
      session, std::move(request), arguments.yes,
      [&](const absl::Status& status) { return FailDeclared(status, declared.places); });
}

}  // namespace

void AddApplyVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* apply = verbs.AddRemote(
      "apply", "Store resources, all or none", "penstock apply -f syncs/ -f envs/prod",
      [&session = verbs.session, arguments] { return Apply(session, *arguments); });
  AddPaths(apply, arguments->files);
  apply->add_flag("-y,--yes", arguments->yes, "Apply without asking, though records are resent");
  AddChangeOptions(apply, arguments->files);
  apply->add_flag("--paused", arguments->paused, "Create new Syncs paused");
  CLI::App* validate = verbs.Add("validate", "Check files without a server",
                                 "penstock validate -f examples/quickstart",
                                 [arguments] { return Validate(*arguments); });
  AddPaths(validate, arguments->files);
}

}  // namespace penstock::cli

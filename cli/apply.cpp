#include <memory>
#include <utility>

#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/selector.h"
#include "cli/verbs.h"
#include "cli/violations.h"
#include "fmt/format.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/config/resource_check.h"
#include "services/common/config/resource_reader.h"
#include "services/common/convert/resources.h"

// apply and validate: files to the server, or held against the rules alone.
namespace penstock::cli {
namespace {

struct ApplyArguments {
  std::vector<std::string> paths;
  std::vector<std::string> labels;  // label=value
  std::string reset;
  bool prune = false;
  bool paused = false;
  bool yes = false;
};

v1::Reset ResetOf(std::string_view name) {
  if (name == "resend") return v1::RESET_RESEND;
  if (name == "forget") return v1::RESET_FORGET;
  if (name == "baseline") return v1::RESET_BASELINE;
  return v1::RESET_UNSPECIFIED;
}

ExitCode Validate(const ApplyArguments& arguments) {
  DeclaredResources declared = ReadResourceFiles(arguments.paths);
  CheckDeclared(declared, BuiltinConnectors());
  if (!declared.errors.empty()) return FailFiles(declared.errors);
  fmt::print("{} resources are valid\n", declared.resources.size());
  return ExitCode::kDone;
}

ExitCode Apply(Session& session, const ApplyArguments& arguments) {
  const DeclaredResources declared = ReadResourceFiles(arguments.paths);
  if (!declared.errors.empty()) return FailFiles(declared.errors);
  v1::ApplyResourcesRequest request;
  for (const Resource& resource : declared.resources) *request.add_resources() = ToProto(resource);
  if (arguments.prune) *request.mutable_prune() = MapOf(arguments.labels);
  request.set_paused(arguments.paused);
  request.set_reset(ResetOf(arguments.reset));
  return ConfirmAndApply(
      session, std::move(request), arguments.yes,
      [&](const absl::Status& status) { return FailDeclared(status, declared.places); });
}

void AddPaths(CLI::App* verb, ApplyArguments& arguments) {
  verb->add_option("-f,--file", arguments.paths, "Files or folders of YAML")
      ->required()
      ->type_name("PATH");
}

}  // namespace

void AddApplyVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* apply = verbs.AddRemote(
      "apply", "Store resources, all or none", "penstock apply -f syncs/ -f envs/prod",
      [&session = verbs.session, arguments] { return Apply(session, *arguments); });
  AddPaths(apply, *arguments);
  apply->add_flag("-y,--yes", arguments->yes, "Apply without asking, though records are resent");
  CLI::Option* prune = apply->add_flag("--prune", arguments->prune,
                                       "Delete what has the labels of -l and is not in the files");
  prune->needs(AddSelector(apply, arguments->labels, "What --prune may delete")->needs(prune));
  apply
      ->add_flag("--reset{resend}", arguments->reset,
                 "Start Syncs anew whose change is refused otherwise: resend all, forget what was "
                 "delivered, or take the model as delivered (baseline)")
      ->check(CLI::IsMember({"resend", "forget", "baseline"}));
  apply->add_flag("--paused", arguments->paused, "Create new Syncs paused");
  CLI::App* validate = verbs.Add("validate", "Check files without a server",
                                 "penstock validate -f examples/quickstart",
                                 [arguments] { return Validate(*arguments); });
  AddPaths(validate, *arguments);
}

}  // namespace penstock::cli

#include <unistd.h>

#include <iostream>
#include <memory>

#include "cli/output.h"
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

// Describing many models over slow connections takes its time.
constexpr std::chrono::minutes kApplyTimeout{5};

struct ApplyArguments {
  std::vector<std::string> paths;
  bool yes = false;
};

ExitCode PrintErrors(const std::vector<ResourceError>& errors) {
  for (const ResourceError& error : errors) fmt::print(stderr, "{}\n", error.ToString());
  fmt::print(stderr, "penstock: {} error{} found; nothing was changed\n", errors.size(),
             errors.size() == 1 ? "" : "s");
  return ExitCode::kUsage;
}

ExitCode Validate(const ApplyArguments& arguments) {
  DeclaredResources declared = ReadResourceFiles(arguments.paths);
  CheckDeclared(declared, BuiltinConnectors());
  if (!declared.errors.empty()) return PrintErrors(declared.errors);
  fmt::print("{} resources are valid\n", declared.resources.size());
  return ExitCode::kDone;
}

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

bool AskWhetherToGoOn() {
  std::cout << "Apply? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

ExitCode FailApply(const absl::Status& status, const ResourcePlaces& places) {
  const std::vector<std::string> lines = ViolationLines(status, places);
  if (lines.empty()) return Fail(status);
  for (const std::string& line : lines) fmt::print(stderr, "{}\n", line);
  fmt::print(stderr, "penstock: {} error{} found; nothing was changed\n", lines.size(),
             lines.size() == 1 ? "" : "s");
  return ExitCodeOf(status);
}

ExitCode Apply(Session& session, const ApplyArguments& arguments) {
  const DeclaredResources declared = ReadResourceFiles(arguments.paths);
  if (!declared.errors.empty()) return PrintErrors(declared.errors);
  v1::ApplyResourcesRequest request;
  for (const Resource& resource : declared.resources) *request.add_resources() = ToProto(resource);
  const auto call = [&] {
    return session.Call(session.resources(), &v1::ResourceService::StubInterface::ApplyResources,
                        request, kApplyTimeout);
  };
  if (!arguments.yes) {
    request.set_validate_only(true);
    const auto checked = call();
    if (!checked.ok()) return FailApply(checked.status(), declared.places);
    if (HasEffects(*checked)) {
      PrintChanges(*checked, Format::kTable);
      if (!isatty(STDIN_FILENO)) {
        fmt::print(stderr, "penstock: the change sends records again; say --yes to apply it\n");
        return ExitCode::kUsage;
      }
      if (!AskWhetherToGoOn()) return ExitCode::kFailed;
    }
    request.set_validate_only(false);
  }
  const auto applied = call();
  if (!applied.ok()) return FailApply(applied.status(), declared.places);
  PrintChanges(*applied, session.format);
  return ExitCode::kDone;
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
  CLI::App* validate = verbs.Add("validate", "Check files without a server",
                                 "penstock validate -f examples/quickstart",
                                 [arguments] { return Validate(*arguments); });
  AddPaths(validate, *arguments);
}

}  // namespace penstock::cli

#include <memory>

#include "cli/kinds.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "fmt/format.h"
#include "services/common/core/version.h"

// test and version.
namespace penstock::cli {
namespace {

using Resources = v1::ResourceService::StubInterface;

constexpr std::chrono::seconds kTestTimeout{90};

struct TestArguments {
  std::string kind;
  std::string name;
};

ExitCode Test(Session& session, const TestArguments& arguments) {
  const absl::StatusOr<std::string> kind = KindByName(arguments.kind);
  if (!kind.ok()) return Fail(kind.status());
  v1::TestConnectionRequest request;
  request.set_kind(*kind);
  request.set_name(arguments.name);
  const auto tested =
      session.Call(session.resources(), &Resources::TestConnection, request, kTestTimeout);
  if (!tested.ok()) return Fail(tested.status());
  const ExitCode code = tested->ok() ? ExitCode::kDone : ExitCode::kFailed;
  if (session.format == Format::kJson || session.format == Format::kYaml) {
    Print(MessageText(*tested, session.format));
    return code;
  }
  for (const std::string& finding : tested->findings()) fmt::print("{}\n", Visible(finding));
  if (tested->ok()) {
    fmt::print("{} \"{}\" works\n", *kind, arguments.name);
  } else {
    fmt::print("{} \"{}\" does not work ({}, {} must act)\n", *kind, arguments.name, tested->code(),
               tested->owner());
  }
  return code;
}

// The server's version is told when it answers; that it doesn't is no failure of this verb.
ExitCode Version(Session& session) {
  fmt::print("penstock {}\n", VersionText());
  if (absl::Status status = session.Open(); !status.ok()) return Fail(status);
  const auto version = session.Call(session.resources(), &Resources::GetVersion,
                                    v1::GetVersionRequest(), std::chrono::seconds(5));
  fmt::print("planner {} at {}\n", version.ok() ? version->version() : "does not answer",
             session.server);
  return ExitCode::kDone;
}

}  // namespace

void AddDiagnosisVerbs(Verbs& verbs) {
  auto arguments = std::make_shared<TestArguments>();
  CLI::App* test = verbs.AddRemote(
      "test", "Try a Source or Destination with its credentials", "penstock test destination crm",
      [&session = verbs.session, arguments] { return Test(session, *arguments); });
  test->add_option("kind", arguments->kind, "Its kind")
      ->required()
      ->type_name("{source,destination}");
  test->add_option("name", arguments->name, "Its name")->required();
  verbs.Add("version", "Show this program's version and the planner's", "penstock version",
            [&session = verbs.session] { return Version(session); });
}

}  // namespace penstock::cli

#include <memory>

#include "cli/confirm.h"
#include "cli/kinds.h"
#include "cli/output.h"
#include "cli/resource_list.h"
#include "cli/verbs.h"
#include "fmt/format.h"
#include "services/common/core/status.h"

// delete, pause, reset.
namespace penstock::cli {
namespace {

using Syncs = v1::SyncService::StubInterface;

struct DeleteArguments {
  std::string kind;
  std::vector<std::string> names;
  std::vector<std::string> labels;  // label=value
  bool forget = false;
  bool remove_records = false;
  bool yes = false;
};

struct ResetArguments {
  std::string sync;
  bool forget = false;
  bool baseline = false;
  bool yes = false;
};

// Those that were named, or have the labels.
absl::StatusOr<std::vector<std::string>> NamesToDelete(Session& session, const std::string& kind,
                                                       const DeleteArguments& arguments) {
  if (!arguments.names.empty()) return arguments.names;
  if (arguments.labels.empty())
    return Error(ErrorCode::kINVALID_REQUEST,
                 fmt::format("name the {} to delete, or select by -l label=value", kind));
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<Listed> listed,
                            ListResources(session, kind, MapOf(arguments.labels)));
  std::vector<std::string> names;
  for (const Listed& one : listed) names.push_back(MetadataOf(one.resource).name);
  if (names.empty())
    return Error(ErrorCode::kRESOURCE_NOT_FOUND,
                 fmt::format("there is no {} with these labels", kind));
  return names;
}

ExitCode Delete(Session& session, const DeleteArguments& arguments) {
  const absl::StatusOr<std::string> kind = KindByName(arguments.kind);
  if (!kind.ok()) return Fail(kind.status());
  const auto names = NamesToDelete(session, *kind, arguments);
  if (!names.ok()) return Fail(names.status());
  v1::ApplyResourcesRequest request;
  for (const std::string& name : *names) {
    v1::ResourceName& gone = *request.add_deletes();
    gone.set_kind(*kind);
    gone.set_name(name);
  }
  request.set_fate(arguments.remove_records ? v1::FATE_REMOVE
                   : arguments.forget       ? v1::FATE_FORGET
                                            : v1::FATE_KEEP);
  const ExitCode code = ConfirmAndApply(session, request, arguments.yes, Fail);
  if (code == ExitCode::kDone && arguments.remove_records && session.format == Format::kTable) {
    for (const std::string& name : *names) fmt::print("follow it with: penstock watch {}\n", name);
  }
  return code;
}

void PrintStatus(const v1::SyncStatus& status, Format format, const std::string& text) {
  if (format == Format::kTable) {
    Print(text);
  } else if (format == Format::kName) {
    fmt::print("Sync/{}\n", status.sync());
  } else {
    Print(MessageText(status, format));
  }
}

ExitCode Pause(Session& session, const std::string& sync) {
  v1::PauseSyncRequest request;
  request.set_sync(sync);
  const auto paused = session.Call(session.syncs(), &Syncs::PauseSync, request);
  if (!paused.ok()) return Fail(paused.status());
  PrintStatus(paused->status(), session.format,
              fmt::format("Sync {} is paused: nothing of it starts until `penstock resume {}`; a "
                          "run in progress goes on\n",
                          sync, sync));
  return ExitCode::kDone;
}

ExitCode Reset(Session& session, const ResetArguments& arguments) {
  v1::ResetSyncRequest request;
  request.set_sync(arguments.sync);
  request.set_reset(arguments.baseline ? v1::RESET_BASELINE
                    : arguments.forget ? v1::RESET_FORGET
                                       : v1::RESET_RESEND);
  const auto call = [&] { return session.Call(session.syncs(), &Syncs::ResetSync, request); };
  const auto text = [&](const v1::ResetSyncResponse& response) {
    std::string out;
    for (const std::string& effect : response.effects()) out += effect + "\n";
    return out;
  };
  if (!arguments.yes) {
    request.set_validate_only(true);
    const auto checked = call();
    if (!checked.ok()) return Fail(checked.status());
    Print(text(*checked));
    if (const auto stop = Confirm()) return *stop;
    request.set_validate_only(false);
  }
  const auto reset = call();
  if (!reset.ok()) return Fail(reset.status());
  PrintStatus(reset->status(), session.format, arguments.yes ? text(*reset) : "done\n");
  return ExitCode::kDone;
}

}  // namespace

void AddLifeCycleVerbs(Verbs& verbs) {
  auto gone = std::make_shared<DeleteArguments>();
  CLI::App* remove =
      verbs.AddRemote("delete", "Delete resources; what a Sync has sent stays where it is",
                      "penstock delete sync customers-to-crm",
                      [&session = verbs.session, gone] { return Delete(session, *gone); });
  remove->add_option("kind", gone->kind, "Their kind")
      ->required()
      ->type_name(std::string(kKindChoices));
  CLI::Option* names = remove->add_option("name", gone->names, "Their names");
  AddSelector(remove, gone->labels, "All with this label; may be repeated")->excludes(names);
  CLI::Option* forget = remove->add_flag("--forget", gone->forget,
                                         "Forget its delivered rows at once, not after 30 days");
  remove
      ->add_flag("--remove-records", gone->remove_records,
                 "First remove from the destination what the Sync has sent")
      ->excludes(forget);
  remove->add_flag("-y,--yes", gone->yes, "Delete without asking");

  auto paused = std::make_shared<std::string>();
  verbs
      .AddRemote("pause", "Let nothing of a Sync start; a run in progress goes on",
                 "penstock pause customers-to-crm",
                 [&session = verbs.session, paused] { return Pause(session, *paused); })
      ->add_option("sync", *paused, "The Sync's name")
      ->required();

  auto anew = std::make_shared<ResetArguments>();
  CLI::App* reset =
      verbs.AddRemote("reset", "Start a Sync anew: all rows are sent once more",
                      "penstock reset customers-to-crm --baseline",
                      [&session = verbs.session, anew] { return Reset(session, *anew); });
  reset->add_option("sync", anew->sync, "The Sync's name")->required();
  CLI::Option* forgets = reset->add_flag("--forget", anew->forget,
                                         "Forget what was delivered: it is never removed any more");
  reset
      ->add_flag("--baseline", anew->baseline,
                 "Take the rows of the model as delivered: nothing is sent, only later changes are")
      ->excludes(forgets);
  reset->add_flag("-y,--yes", anew->yes, "Reset without asking");
}

}  // namespace penstock::cli

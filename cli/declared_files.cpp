#include "cli/declared_files.h"

#include "cli/selector.h"
#include "services/common/convert/resources.h"

namespace penstock::cli {
namespace {

v1::Reset ResetOf(std::string_view name) {
  if (name == "resend") return v1::RESET_RESEND;
  if (name == "forget") return v1::RESET_FORGET;
  if (name == "baseline") return v1::RESET_BASELINE;
  return v1::RESET_UNSPECIFIED;
}

}  // namespace

void AddPaths(CLI::App* verb, DeclaredFiles& files) {
  verb->add_option("-f,--file", files.paths, "Files or folders of YAML")
      ->required()
      ->type_name("PATH");
}

void AddChangeOptions(CLI::App* verb, DeclaredFiles& files) {
  CLI::Option* prune = verb->add_flag("--prune", files.prune,
                                      "Delete what has the labels of -l and is not in the files");
  prune->needs(AddSelector(verb, files.labels, "What --prune may delete")->needs(prune));
  verb->add_flag("--reset{resend}", files.reset,
                 "Start Syncs anew whose change is refused otherwise: resend all, forget what was "
                 "delivered, or take the model as delivered (baseline)")
      ->check(CLI::IsMember({"resend", "forget", "baseline"}));
}

v1::ApplyResourcesRequest RequestOf(const DeclaredFiles& files, const DeclaredResources& declared) {
  v1::ApplyResourcesRequest request;
  for (const Resource& resource : declared.resources) *request.add_resources() = ToProto(resource);
  if (files.prune) *request.mutable_prune() = MapOf(files.labels);
  request.set_reset(ResetOf(files.reset));
  return request;
}

}  // namespace penstock::cli

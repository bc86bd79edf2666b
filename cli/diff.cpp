#include <memory>
#include <utility>

#include "cli/confirm.h"
#include "cli/declared_files.h"
#include "cli/output.h"
#include "cli/resource_diff.h"
#include "cli/resource_list.h"
#include "cli/verbs.h"
#include "cli/violations.h"
#include "fmt/format.h"
#include "services/common/core/status.h"

// diff: what apply would change, field by field.
namespace penstock::cli {
namespace {

struct DiffArguments {
  DeclaredFiles files;
  bool detailed_exit_code = false;
};

struct Difference {
  v1::ResourceChange change;
  std::vector<FieldChange> fields;
};

const Resource* FindDeclared(const DeclaredResources& declared, const v1::ResourceChange& change) {
  for (const Resource& resource : declared.resources) {
    if (KindName(resource) == change.kind() && MetadataOf(resource).name == change.name())
      return &resource;
  }
  return nullptr;
}

// The stored resource that `change` is about, or, of one that is new, nothing but its name.
absl::StatusOr<YamlValue> Before(Session& session, const v1::ResourceChange& change,
                                 const Resource& declared, const YamlValue& after) {
  if (change.action() == "created") {
    YamlValue empty = after;
    for (YamlMember& member : empty.members) {
      if (member.key == "spec") member.value.members.clear();
    }
    return empty;
  }
  const std::string& name =
      change.action() == "renamed" ? MetadataOf(declared).renamed_from : change.name();
  PENSTOCK_ASSIGN_OR_RETURN(const Listed stored, GetResource(session, change.kind(), name));
  return ToDocument(stored.resource);
}

absl::StatusOr<std::vector<Difference>> Compare(Session& session, const DeclaredResources& declared,
                                                const v1::ApplyResourcesResponse& checked) {
  std::vector<Difference> out;
  for (const v1::ResourceChange& change : checked.changes()) {
    if (change.action() == "unchanged") continue;
    Difference& difference = out.emplace_back(Difference{change, {}});
    const Resource* resource = FindDeclared(declared, change);
    if (resource == nullptr) continue;  // deleted
    const YamlValue after = ToDocument(*resource);
    PENSTOCK_ASSIGN_OR_RETURN(const YamlValue before, Before(session, change, *resource, after));
    difference.fields = DiffDocuments(before, after);
  }
  return out;
}

std::string Line(const FieldChange& field) {
  if (field.from.empty()) return fmt::format("  + {}: {}\n", field.path, field.to);
  if (field.to.empty()) return fmt::format("  - {}: {}\n", field.path, field.from);
  return fmt::format("  ~ {}: {} -> {}\n", field.path, field.from, field.to);
}

void PrintText(const std::vector<Difference>& differences, Format format) {
  for (const auto& [change, fields] : differences) {
    const std::string name = fmt::format("{}/{}", change.kind(), change.name());
    if (format == Format::kName) {
      fmt::print("{}\n", name);
      continue;
    }
    fmt::print("{} {}\n", name, change.action());
    for (const FieldChange& field : fields) Print(Line(field));
    for (const std::string& effect : change.effects()) fmt::print("  {}\n", effect);
  }
  if (differences.empty() && format == Format::kTable) fmt::print("nothing changes\n");
}

YamlValue Text(const std::string& text) {
  return {.kind = YamlValue::Kind::kScalar, .quoted = true, .text = text};
}

YamlValue DocumentOf(const Difference& difference) {
  YamlValue fields{.kind = YamlValue::Kind::kList}, effects{.kind = YamlValue::Kind::kList};
  for (const FieldChange& field : difference.fields)
    fields.items.push_back({.kind = YamlValue::Kind::kMap,
                            .members = {{.key = "path", .value = Text(field.path)},
                                        {.key = "from", .value = Text(field.from)},
                                        {.key = "to", .value = Text(field.to)}}});
  for (const std::string& effect : difference.change.effects())
    effects.items.push_back(Text(effect));
  return {.kind = YamlValue::Kind::kMap,
          .members = {{.key = "kind", .value = Text(difference.change.kind())},
                      {.key = "name", .value = Text(difference.change.name())},
                      {.key = "action", .value = Text(difference.change.action())},
                      {.key = "fields", .value = std::move(fields)},
                      {.key = "effects", .value = std::move(effects)}}};
}

ExitCode Diff(Session& session, const DiffArguments& arguments) {
  const DeclaredResources declared = ReadResourceFiles(arguments.files.paths);
  if (!declared.errors.empty()) return FailFiles(declared.errors);
  v1::ApplyResourcesRequest request = RequestOf(arguments.files, declared);
  request.set_validate_only(true);
  const auto checked =
      session.Call(session.resources(), &v1::ResourceService::StubInterface::ApplyResources,
                   request, kApplyTimeout);
  if (!checked.ok()) return FailDeclared(checked.status(), declared.places);
  const auto differences = Compare(session, declared, *checked);
  if (!differences.ok()) return Fail(differences.status());
  if (session.format == Format::kJson || session.format == Format::kYaml) {
    YamlValue list{.kind = YamlValue::Kind::kList};
    for (const Difference& difference : *differences) list.items.push_back(DocumentOf(difference));
    Print(session.format == Format::kYaml ? YamlText(list) : JsonText(list));
  } else {
    PrintText(*differences, session.format);
  }
  return arguments.detailed_exit_code && !differences->empty() ? ExitCode::kChanges
                                                               : ExitCode::kDone;
}

}  // namespace

void AddDiffVerb(Verbs& verbs) {
  auto arguments = std::make_shared<DiffArguments>();
  CLI::App* diff =
      verbs.AddRemote("diff", "Show what apply would change, and change nothing",
                      "penstock diff -f syncs/ -f envs/prod",
                      [&session = verbs.session, arguments] { return Diff(session, *arguments); });
  AddPaths(diff, arguments->files);
  AddChangeOptions(diff, arguments->files);
  diff->add_flag("--detailed-exitcode", arguments->detailed_exit_code,
                 "Exit with 5 when apply would change something");
}

}  // namespace penstock::cli

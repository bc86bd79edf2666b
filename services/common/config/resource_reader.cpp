#include "services/common/config/resource_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "services/common/config/resource_kinds.h"
#include "services/common/core/nearest.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {"Source", "Model", "Destination", "Connector",
                                                    "Sync"};
constexpr std::array<std::string_view, 4> kDocumentFields = {"apiVersion", "kind", "metadata",
                                                             "spec"};

std::optional<Resource> EmptyResource(std::string_view kind) {
  if (kind == "Source") return Source{};
  if (kind == "Model") return Model{};
  if (kind == "Destination") return Destination{};
  if (kind == "Connector") return Connector{};
  if (kind == "Sync") return Sync{};
  return std::nullopt;
}

std::string TextOf(const YamlValue* value) {
  return value == nullptr ? "" : value->text;
}

void RefuseSecrets(const YamlValue& value, const FieldScope& scope) {
  RefuseSecretsIn(value.text, scope);
  for (size_t i = 0; i < value.items.size(); ++i)
    RefuseSecrets(value.items[i], scope.Item(i, value.items[i].line));
  for (const YamlMember& member : value.members)
    RefuseSecrets(member.value, scope.Child(member.key, member.line));
}

class DocumentReader {
 public:
  DocumentReader(const std::string& file, const YamlValue& root, DbtProjects& dbt,
                 DeclaredResources& out)
      : root_(root),
        out_(out),
        reading_{.file = file,
                 .kind = TextOf(root.Find("kind")),
                 .name = NameOf(root),
                 .errors = out.errors,
                 .places = out.places,
                 .dbt = dbt},
        scope_(reading_, "", root.line) {}

  void Run() {
    if (root_.kind != YamlValue::Kind::kMap)
      return scope_.FailPlain("a document must be a mapping with apiVersion, kind, metadata, spec");
    scope_.Remember();
    for (const YamlMember& member : root_.members) {
      if (std::find(kDocumentFields.begin(), kDocumentFields.end(), member.key) ==
          kDocumentFields.end())
        FailUnknown(member.key, scope_.Child(member.key, member.line), kDocumentFields);
    }
    CheckApiVersion();
    std::optional<Resource> resource = EmptyResource(reading_.kind);
    if (!resource.has_value()) return FailKind();
    std::visit([this](auto& r) { ReadInto(r); }, *resource);
    Keep(std::move(*resource));
  }

 private:
  static std::string NameOf(const YamlValue& root) {
    const YamlValue* metadata = root.Find("metadata");
    return metadata == nullptr ? "" : TextOf(metadata->Find("name"));
  }
  FieldScope ScopeOf(std::string_view field) const {
    for (const YamlMember& member : root_.members) {
      if (member.key == field) return scope_.Child(field, member.line);
    }
    return scope_.Child(field, root_.line);
  }

  void CheckApiVersion() {
    const YamlValue* version = root_.Find("apiVersion");
    if (version == nullptr) {
      scope_.FailPlain(fmt::format("apiVersion is missing; write apiVersion: {}", kApiVersion));
    } else if (version->text != kApiVersion) {
      ScopeOf("apiVersion").Fail(fmt::format("must be {}", kApiVersion));
    }
  }

  void FailKind() {
    if (root_.Find("kind") == nullptr)
      return scope_.FailPlain(
          "kind is missing; write one of Source, Model, Destination, Connector, Sync");
    FailChoice(reading_.kind, ScopeOf("kind"), kKinds);
  }

  template <typename T>
  void ReadInto(T& resource) {
    constexpr bool kConnection = std::is_same_v<T, Source> || std::is_same_v<T, Destination>;
    constexpr bool kSync = std::is_same_v<T, Sync>;  // a mapping has rules of its own for secrets
    if (const YamlValue* metadata = root_.Find("metadata")) {
      ScopeOf("metadata").Remember();
      FormOf<Metadata>::Read(*metadata, ScopeOf("metadata"), resource.meta);
      RefuseSecrets(*metadata, ScopeOf("metadata"));
    }
    const YamlValue* spec = root_.Find("spec");
    if (spec == nullptr) return scope_.FailPlain("spec is missing");
    FieldScope scope = ScopeOf("spec");
    scope.Remember();
    FormOf<T>::Read(*spec, scope, resource);
    for (const YamlMember& member : spec->members) {
      if (!(kConnection && member.key == "config") && !(kSync && member.key == "mapping"))
        RefuseSecrets(member.value, scope.Child(member.key, member.line));
    }
  }

  // Two resources of one kind and name are an error that names both places.
  void Keep(Resource resource) {
    const std::string& name = MetadataOf(resource).name;
    if (!name.empty() && !out_.names.emplace(resource.index(), name).second) {
      std::optional<FilePlace> first = out_.places.Find(reading_.kind, reading_.name, "");
      return scope_.FailPlain(fmt::format("{} \"{}\" is declared twice; first at {}:{}",
                                          reading_.kind, reading_.name, first->file, first->line));
    }
    out_.resources.push_back(std::move(resource));
  }

  const YamlValue& root_;
  DeclaredResources& out_;
  ResourceReading reading_;
  FieldScope scope_;
};

}  // namespace

void RefuseSecretsIn(std::string_view text, const FieldScope& scope) {
  if (text.find("${secret:") != text.npos || text.find("${env:") != text.npos)
    scope.Fail("secrets may be named only in config of a Source or Destination");
}

void ReadResources(const std::string& file, std::string_view text, DeclaredResources& out) {
  DbtProjects dbt;
  ReadResources(file, text, dbt, out);
}

void ReadResources(const std::string& file, std::string_view text, DbtProjects& dbt,
                   DeclaredResources& out) {
  const size_t first = out.errors.size();
  std::vector<YamlProblem> problems;
  const std::vector<YamlValue> documents = ParseYaml(text, problems);
  for (YamlProblem& problem : problems)
    out.errors.push_back({{file, problem.line}, "", std::move(problem.message)});
  for (const YamlValue& document : documents) DocumentReader(file, document, dbt, out).Run();
  std::stable_sort(out.errors.begin() + static_cast<std::ptrdiff_t>(first), out.errors.end(),
                   [](const auto& a, const auto& b) { return a.place.line < b.place.line; });
}

}  // namespace penstock

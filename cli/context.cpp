#include "cli/context.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "services/common/config/resource_forms.h"
#include "services/common/core/file.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr Field<Context> kContext[] = {
    {"server", Into<&Context::server>},
    {"tls_ca", Into<&Context::tls_ca>},
    {"token_file", Into<&Context::token_file>},
};

struct Contexts {
  std::string current;
  std::map<std::string, Context> all;
};

constexpr Field<Contexts> kContexts[] = {
    {"current", Into<&Contexts::current>},
    {"contexts", Into<&Contexts::all, MapForm<FieldsForm<kContext>>>},
};

fs::path ConfigFile() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  const fs::path folder = config != nullptr && *config != '\0'
                              ? fs::path(config)
                              : fs::path(home == nullptr ? "" : home) / ".config";
  return folder / "penstock" / "config.yaml";
}

absl::Status Wrong(std::string message) {
  return Error(ErrorCode::kINVALID_CONFIGURATION, std::move(message));
}

absl::StatusOr<Contexts> Parse(const std::string& file, std::string_view text) {
  Contexts out;
  std::vector<YamlProblem> problems;
  const std::vector<YamlValue> documents = ParseYaml(text, problems);
  std::vector<ResourceError> errors;
  for (YamlProblem& problem : problems)
    errors.push_back({{file, problem.line}, "", std::move(problem.message)});
  ResourcePlaces places;
  DbtProjects dbt;
  ResourceReading reading{
      .file = file, .kind = "", .name = "", .errors = errors, .places = places, .dbt = dbt};
  for (const YamlValue& document : documents)
    ReadFields<Contexts>(document, FieldScope(reading, "", document.line), kContexts, out);
  if (!errors.empty()) return Wrong(errors.front().ToString());
  return out;
}

// A file that is named from the folder of another one.
void FindFrom(const fs::path& folder, std::string& file) {
  if (!file.empty()) file = (folder / file).string();
}

}  // namespace

absl::StatusOr<Context> LoadContext(const std::string& name) {
  const fs::path file = ConfigFile();
  const std::optional<std::string> text = ReadWholeFile(file.string());
  if (!text.has_value() && name.empty()) return Context();
  if (!text.has_value())
    return Wrong(
        fmt::format("there is no context \"{}\", for {} can't be read", name, file.string()));
  PENSTOCK_ASSIGN_OR_RETURN(Contexts contexts, Parse(file.string(), *text));
  const std::string& wanted = name.empty() ? contexts.current : name;
  if (wanted.empty()) return Context();
  const auto found = contexts.all.find(wanted);
  if (found == contexts.all.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, context] : contexts.all) names.push_back(known);
    return Wrong(fmt::format("{}: there is no context \"{}\"{}", file.string(), wanted,
                             DidYouMean(wanted, names)));
  }
  FindFrom(file.parent_path(), found->second.tls_ca);
  FindFrom(file.parent_path(), found->second.token_file);
  return found->second;
}

}  // namespace penstock::cli

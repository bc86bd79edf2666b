#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "fmt/format.h"
#include "services/common/config/dbt_project.h"
#include "services/common/config/resource_reader.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxFileBytes = 4 << 20;
constexpr size_t kMaxFiles = 10'000;

bool IsYaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

class FileReader {
 public:
  explicit FileReader(DeclaredResources& out) : out_(out) {}

  void Add(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Fail(path, "there is no such file or folder");
    if (fs::is_directory(status)) {
      AddFolder(path);
    } else {
      ReadOne(path);
    }
  }

 private:
  void Fail(const std::string& path, std::string message) {
    out_.errors.push_back({{path, 0}, "", std::move(message)});
  }

  void AddFolder(const std::string& folder) {
    std::set<std::string> files;  // sorted, so that errors and changes come in one order
    std::error_code error;
    fs::recursive_directory_iterator entries(folder, error);
    for (; !error && entries != fs::end(entries); entries.increment(error)) {
      std::error_code ignored;
      if (!IsYaml(entries->path()) || entries->is_directory(ignored)) continue;
      if (files.size() == kMaxFiles)
        return Fail(folder, fmt::format("has over {} YAML files; name smaller folders", kMaxFiles));
      files.insert(entries->path().string());
    }
    if (error) Fail(folder, "can't be read: " + error.message());
    if (files.empty() && !error) Fail(folder, "has no *.yaml or *.yml files");
    for (const std::string& file : files) ReadOne(file);
  }

  void ReadOne(const std::string& path) {
    // One file may be named twice, by itself and by its folder.
    std::error_code ignored;
    if (!seen_.insert(fs::weakly_canonical(path, ignored).string()).second) return;
    std::ifstream in(path, std::ios::binary);
    std::string text;
    char block[64 << 10];
    while (in.read(block, sizeof block) || in.gcount() > 0) {
      text.append(block, static_cast<size_t>(in.gcount()));
      if (text.size() > kMaxFileBytes) return Fail(path, "is over 4 MiB; split it");
    }
    if (!in.eof()) return Fail(path, "can't be read");
    ReadResources(path, text, dbt_, out_);
  }

  DeclaredResources& out_;
  DbtProjects dbt_;
  std::set<std::string> seen_;
};

}  // namespace

DeclaredResources ReadResourceFiles(const std::vector<std::string>& paths) {
  DeclaredResources out;
  FileReader reader(out);
  for (const std::string& path : paths) reader.Add(path);
  return out;
}

}  // namespace penstock

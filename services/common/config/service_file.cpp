#include "services/common/config/service_file.h"

#include <yaml-cpp/yaml.h>

#include <set>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

absl::StatusOr<YAML::Node> LoadYaml(const std::string& path) {
  try {
    return YAML::LoadFile(path);
  } catch (const YAML::BadFile&) {
    return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("{}: can't be read", path));
  } catch (const YAML::Exception& e) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}:{}: {}", path, e.mark.line + 1, e.msg));
  }
}

}  // namespace

absl::StatusOr<std::vector<ServiceField>> ReadServiceFile(const std::string& path) {
  PENSTOCK_ASSIGN_OR_RETURN(YAML::Node root, LoadYaml(path));
  std::vector<ServiceField> fields;
  if (root.IsNull()) return fields;
  auto bad = [&](const YAML::Node& node, std::string_view what) {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("{}:{}: {}", path, node.Mark().line + 1, what));
  };
  if (!root.IsMap()) return bad(root, "not a mapping; write one \"name: value\" a line");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    if (!entry.first.IsScalar()) return bad(entry.first, "a field's name must be text");
    ServiceField field;
    field.name = entry.first.Scalar();
    field.line = entry.first.Mark().line + 1;
    if (!seen.insert(field.name).second)
      return bad(entry.first, fmt::format("field \"{}\" is given twice", field.name));
    if (entry.second.IsScalar()) {
      field.value = entry.second.Scalar();
    } else if (entry.second.IsSequence()) {
      field.is_list = true;
      for (const YAML::Node& item : entry.second) {
        if (!item.IsScalar()) return bad(item, fmt::format("{}: an item must be text", field.name));
        if (!field.value.empty()) field.value += ',';
        field.value += item.Scalar();
      }
    } else {
      return bad(entry.first, fmt::format("{}: a value or a list belongs here", field.name));
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace penstock

#include "services/extractor/domain/mapping/expand.h"

#include <algorithm>

#include "services/common/core/nearest.h"

namespace penstock {
namespace {

void CheckExcept(const FieldMapping::AllColumns& all, const CompileInput& input,
                 const std::string& at, std::vector<CompileError>& errors) {
  std::vector<std::string_view> names;
  for (const Column& column : input.description.columns) names.push_back(column.name);
  for (const std::string& name : all.except) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      errors.push_back({ErrorCode::kMODEL_COLUMN_MISSING, at + ".except",
                        "the model \"" + input.model.meta.name + "\" has no column \"" + name +
                            "\"" + DidYouMean(name, names)});
  }
}

// Whether a field of its own lies at `path` or inside of it.
bool IsMapped(const Sync& sync, const std::vector<std::string>& path) {
  return std::any_of(sync.mapping.begin(), sync.mapping.end(), [&](const FieldMapping& m) {
    return m.path.size() >= path.size() && std::equal(path.begin(), path.end(), m.path.begin());
  });
}

}  // namespace

std::vector<FieldMapping> ExpandAllColumns(const CompileInput& input,
                                           std::vector<CompileError>& errors) {
  std::vector<FieldMapping> out;
  for (const FieldMapping& mapping : input.sync.mapping) {
    const auto* all = std::get_if<FieldMapping::AllColumns>(&mapping.from);
    if (all == nullptr) {
      out.push_back(mapping);
      continue;
    }
    const std::string at = "mapping." + FieldName(mapping.path);
    CheckExcept(*all, input, at, errors);
    if (input.encoding == Encoding::kPgBinary)
      errors.push_back({ErrorCode::kINVALID_RESOURCE, at + ".columns",
                        "makes an object, which this destination's columns can't hold; map each "
                        "column by its name"});
    for (const Column& column : input.description.columns) {
      if (std::find(all->except.begin(), all->except.end(), column.name) != all->except.end())
        continue;
      FieldMapping& field = out.emplace_back(mapping);
      field.path.push_back(column.name);
      field.from = FieldMapping::Column{column.name, {}};
      if (IsMapped(input.sync, field.path)) out.pop_back();
    }
  }
  return out;
}

}  // namespace penstock

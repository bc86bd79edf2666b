#include <algorithm>
#include <set>

#include "services/common/functions/template.h"
#include "services/common/model/validate_report.h"

// The rules of a Sync's mapping that need no warehouse.
namespace penstock {
namespace {

bool NamesSecret(std::string_view text) {
  return text.find("${secret:") != text.npos || text.find("${env:") != text.npos;
}

void RefuseSecrets(const std::string& field, std::string_view text, const ProblemReport& report) {
  if (NamesSecret(text))
    report.Add(field,
               "secrets may be named only in config of a Source or Destination, and as a "
               "transform's key");
}

void ValidateTransform(const std::string& field, const Transform& transform,
                       const ProblemReport& report) {
  std::vector<std::string> problems;
  const std::optional<BoundFunction> bound =
      BindTransform(transform.name, transform.args_json, problems);
  for (const std::string& problem : problems) report.Add(field, problem);
  if (!bound.has_value()) return;
  for (size_t i = 0; i < bound->arguments.size(); ++i) {
    const Argument& argument = bound->arguments[i];
    if (bound->function->parameters[i].kind == ArgumentKind::kSecret) {
      ValidateSecretNames(field, argument.text, report);
    } else {
      RefuseSecrets(field, argument.text, report);
    }
  }
}

void ValidateTemplate(const std::string& field, const FieldMapping::Template& from,
                      const ProblemReport& report) {
  if (from.text.empty()) return report.Add(field, "is empty; for a constant write value");
  if (NamesSecret(from.text)) return RefuseSecrets(field, from.text, report);
  std::vector<std::string> problems;
  ParseTemplate(from.text, problems);
  for (const std::string& problem : problems) report.Add(field, problem);
}

void ValidateAllColumns(const std::string& field, const FieldMapping& mapping,
                        const ProblemReport& report) {
  const auto refuse = [&](const char* word) {
    report.Add(field + "." + word,
               "can't stand beside columns: all; map the columns that need it by themselves");
  };
  if (mapping.default_json.has_value()) refuse("default");
  if (mapping.cast != Cast::kNone) refuse("cast");
  if (!mapping.transforms.empty()) refuse("transform");
}

void ValidateOrigin(const std::string& field, const FieldMapping& mapping,
                    const ProblemReport& report) {
  struct Visitor {
    const std::string& field;
    const FieldMapping& mapping;
    const ProblemReport& report;
    void operator()(const FieldMapping::Column& from) const {
      if (from.name.empty()) report.Add(field + ".from", "names no column");
    }
    void operator()(const FieldMapping::Constant& from) const {
      if (!IsJsonText(from.json)) report.Add(field + ".value", "is not JSON");
      RefuseSecrets(field + ".value", from.json, report);
    }
    void operator()(const FieldMapping::Template& from) const {
      ValidateTemplate(field + ".template", from, report);
    }
    void operator()(const FieldMapping::AllColumns&) const {
      ValidateAllColumns(field, mapping, report);
    }
  };
  std::visit(Visitor{field, mapping, report}, mapping.from);
}

void ValidateField(const FieldMapping& mapping, const ProblemReport& report) {
  const std::string field = "spec.mapping." + FieldName(mapping.path);
  if (mapping.path.empty() ||
      std::any_of(mapping.path.begin(), mapping.path.end(), [](auto& s) { return s.empty(); }))
    report.Add(field, "the field's path has an empty part");
  ValidateOrigin(field, mapping, report);
  if (mapping.default_json.has_value()) {
    if (!IsJsonText(*mapping.default_json)) report.Add(field + ".default", "is not JSON");
    RefuseSecrets(field + ".default", *mapping.default_json, report);
  }
  for (size_t i = 0; i < mapping.transforms.size(); ++i)
    ValidateTransform(field + ".transform[" + std::to_string(i) + "]", mapping.transforms[i],
                      report);
}

// Two fields of one path, or one inside the other, would write over each other; but a field inside
// of `columns: all` stands in place of that column.
void ValidatePaths(const std::vector<FieldMapping>& mapping, const ProblemReport& report) {
  std::set<std::vector<std::string>> paths, whole;
  for (const FieldMapping& field : mapping) {
    if (!paths.insert(field.path).second)
      report.Add("spec.mapping." + FieldName(field.path), "is mapped twice");
    if (!std::holds_alternative<FieldMapping::AllColumns>(field.from)) whole.insert(field.path);
  }
  for (const std::vector<std::string>& path : paths) {
    for (size_t n = 1; n < path.size(); ++n) {
      std::vector<std::string> outer(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(n));
      if (whole.contains(outer))
        report.Add("spec.mapping." + FieldName(path),
                   "lies inside of \"" + FieldName(outer) + "\", which is mapped too; keep one");
    }
  }
}

}  // namespace

void ValidateMapping(const std::vector<FieldMapping>& mapping, const ProblemReport& report) {
  if (mapping.empty())
    report.Add("spec.mapping", "is missing; name the destination's fields and their columns");
  for (const FieldMapping& field : mapping) ValidateField(field, report);
  ValidatePaths(mapping, report);
}

}  // namespace penstock

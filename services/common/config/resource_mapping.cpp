#include <algorithm>
#include <string_view>
#include <utility>

#include "services/common/config/resource_kinds.h"
#include "services/common/functions/function.h"

// The mapping of a Sync: destination field -> where its value comes from.
namespace penstock {
namespace {

constexpr Choice<Cast> kCasts[] = {{"string", Cast::kString},      {"integer", Cast::kInteger},
                                   {"number", Cast::kNumber},      {"boolean", Cast::kBoolean},
                                   {"json", Cast::kJson},          {"date", Cast::kDate},
                                   {"timestamp", Cast::kTimestamp}};
constexpr Choice<OnNull> kOnNull[] = {
    {"send", OnNull::kSend}, {"omit", OnNull::kOmit}, {"skip_record", OnNull::kSkipRecord}};

std::vector<std::string> SplitPath(std::string_view text) {
  std::vector<std::string> path;
  while (true) {
    size_t dot = text.find('.');
    path.emplace_back(text.substr(0, dot));
    if (dot == text.npos) return path;
    text.remove_prefix(dot + 1);
  }
}

// "column", "column.key.key", or a list whose items are taken literally.
struct ColumnForm {
  static void Read(const YamlValue& value, const FieldScope& scope, FieldMapping::Column& out) {
    std::vector<std::string> path;
    if (value.kind == YamlValue::Kind::kList) {
      ListForm<TextForm>::Read(value, scope, path);
    } else if (value.kind == YamlValue::Kind::kScalar && TypeOf(value) == ScalarType::kText) {
      path = SplitPath(value.text);
    } else {
      return scope.Fail(fmt::format(
          "must be a column's name, not {}; for a constant write {{value: …}}", Describe(value)));
    }
    for (const std::string& segment : path) {
      if (segment.empty()) return scope.Fail("a column's path has an empty part");
    }
    if (path.empty()) return scope.Fail("names no column");
    out.name = std::move(path.front());
    out.path.assign(std::make_move_iterator(path.begin() + 1), std::make_move_iterator(path.end()));
  }
  static JsonSchema Schema() {
    return {{"anyOf", {TextForm::Schema(), ListForm<TextForm>::Schema()}}};
  }
};

// A name, or a mapping of one name to its arguments.
struct TransformForm {
  static void Read(const YamlValue& value, const FieldScope& scope, Transform& out) {
    if (value.kind != YamlValue::Kind::kMap) return TextForm::Read(value, scope, out.name);
    if (value.members.size() != 1)
      return scope.Fail("must be a name or one name with its arguments, as {e164: {region: DE}}");
    const YamlMember& only = value.members.front();
    out.name = only.key;
    if (only.value.kind != YamlValue::Kind::kNull)
      JsonForm::Read(only.value, scope.Child(only.key, only.line), out.args_json);
  }
  static JsonSchema Schema() {
    boost::json::array names;
    boost::json::object by_name;
    for (const Function& function : AllFunctions()) {
      names.emplace_back(function.name);
      by_name[function.name] = JsonForm::Schema();
    }
    const JsonSchema with_arguments = {{"type", "object"},
                                       {"minProperties", 1},
                                       {"maxProperties", 1},
                                       {"additionalProperties", false},
                                       {"properties", by_name}};
    return {{"anyOf", {{{"enum", names}}, with_arguments}}};
  }
};

// A field while it is read: its origins exclude each other.
struct Draft {
  FieldMapping field;
  std::vector<std::string_view> origins;
  std::vector<std::string> except;
};

void ReadFrom(const YamlValue& value, const FieldScope& scope, Draft& out) {
  FieldMapping::Column column;
  ColumnForm::Read(value, scope, column);
  out.field.from = std::move(column);
  out.origins.push_back("from");
}

void ReadValue(const YamlValue& value, const FieldScope& scope, Draft& out) {
  FieldMapping::Constant constant;
  JsonForm::Read(value, scope, constant.json);
  out.field.from = std::move(constant);
  out.origins.push_back("value");
}

void ReadTemplate(const YamlValue& value, const FieldScope& scope, Draft& out) {
  FieldMapping::Template text;
  TextForm::Read(value, scope, text.text);
  out.field.from = std::move(text);
  out.origins.push_back("template");
}

constexpr Choice<bool> kAllColumns[] = {{"all", true}};

void ReadColumns(const YamlValue& value, const FieldScope& scope, Draft& out) {
  bool all = true;
  ChoiceForm<kAllColumns>::Read(value, scope, all);
  out.field.from = FieldMapping::AllColumns{};
  out.origins.push_back("columns");
}

constexpr Field<Draft> kField[] = {
    {"from", {ReadFrom, ColumnForm::Schema}, "A column, and a path into its JSON"},
    {"value", {ReadValue, JsonForm::Schema}, "A constant"},
    {"template",
     {ReadTemplate, TextForm::Schema},
     "A text made of columns: Hello {{ first_name | default: 'there' }}"},
    {"columns",
     {ReadColumns, ChoiceForm<kAllColumns>::Schema},
     "all: an object of all columns but those of except"},
    {"except", Into<&Draft::except>, "Columns that columns: all leaves out"},
    {"default", IntoPart<&Draft::field, &FieldMapping::default_json, OptionalForm<JsonForm>>,
     "In place of NULL, and of a missing path"},
    {"cast", IntoPart<&Draft::field, &FieldMapping::cast, ChoiceForm<kCasts>>,
     "What the value is turned into; what can't be makes the record invalid"},
    {"transform", IntoPart<&Draft::field, &FieldMapping::transforms, ListForm<TransformForm>>,
     "Functions, in order, each a name or one name with its arguments (docs/mapping.md)"},
    {"on_null", IntoPart<&Draft::field, &FieldMapping::on_null, ChoiceForm<kOnNull>>,
     "send clears the field, omit leaves it out, skip_record sends nothing; default: send"},
    {"hashed"},
};

FieldMapping ReadField(const YamlValue& value, const FieldScope& scope) {
  Draft draft;
  if (value.kind != YamlValue::Kind::kMap) {
    ReadFrom(value, scope, draft);
    return std::move(draft.field);
  }
  ReadFields<Draft>(value, scope, kField, draft);
  bool later = false;
  for (const Field<Draft>& field : kField)
    later = later || (field.form.read == nullptr && value.Find(field.name) != nullptr);
  if (draft.origins.empty() && !later) scope.Fail("needs one of from, value, template and columns");
  // The error is told; with a name the rules have nothing to add to it.
  if (draft.origins.empty()) draft.field.from = FieldMapping::Column{"?", {}};
  if (draft.origins.size() > 1)
    scope.Fail(fmt::format("has both {} and {}; keep one", draft.origins[0], draft.origins[1]));
  if (auto* all = std::get_if<FieldMapping::AllColumns>(&draft.field.from)) {
    all->except = std::move(draft.except);
  } else if (!draft.except.empty()) {
    scope.Fail("has except, which stands beside columns: all; remove it");
  }
  return std::move(draft.field);
}

}  // namespace

void MappingForm::Read(const YamlValue& value, const FieldScope& scope,
                       std::vector<FieldMapping>& out) {
  if (!ExpectMap(value, scope)) return;
  for (const YamlMember& member : value.members) {
    FieldScope field = scope.Child(member.key, member.line);
    field.Remember();
    FieldMapping mapping = ReadField(member.value, field);
    mapping.path = member.segments.empty() ? SplitPath(member.key) : member.segments;
    const bool twice = std::any_of(out.begin(), out.end(),
                                   [&](const FieldMapping& m) { return m.path == mapping.path; });
    if (!twice) out.push_back(std::move(mapping));  // the YAML reader has told
  }
}

JsonSchema MappingForm::Schema() {
  const JsonSchema field = {
      {"anyOf", {TextForm::Schema(), ListForm<TextForm>::Schema(), FieldsSchema<Draft>(kField)}}};
  return {{"type", "object"}, {"additionalProperties", field}};
}

}  // namespace penstock

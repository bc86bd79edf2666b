#include <algorithm>
#include <set>

#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/extractor/domain/mapping/cast.h"
#include "services/extractor/domain/mapping/fingerprint.h"
#include "services/extractor/domain/mapping/json_text.h"
#include "services/extractor/domain/mapping/pg_value.h"
#include "services/extractor/domain/mapping/program.h"
#include "services/extractor/domain/mapping/utf8.h"

namespace penstock {
namespace {

template <typename Range, typename NameOf>
std::string Suggestion(std::string_view wanted, const Range& range, NameOf name_of) {
  std::vector<std::string_view> names;
  for (const auto& item : range) names.push_back(name_of(item));
  return DidYouMean(wanted, names);
}

KeyClass KeyClassOf(const FieldProgram& field) {
  if (!field.transforms.empty() || field.cast == Cast::kString) return KeyClass::kText;
  if (field.cast == Cast::kInteger) return KeyClass::kInteger;
  if (field.cast != Cast::kNone || field.column < 0 || !field.path.empty() || field.type.array)
    return KeyClass::kSent;
  if (field.type.base == WireBase::kInt8) return KeyClass::kInteger;
  if (field.type.base == WireBase::kText) return KeyClass::kText;
  return field.type.base == WireBase::kUuid && field.plain ? KeyClass::kUuid : KeyClass::kSent;
}

class Compiler {
 public:
  explicit Compiler(const CompileInput& input) : in_(input) {}

  CompileResult Run() {
    program_.encoding = in_.encoding;
    program_.values = in_.values;
    program_.keeps_identity = in_.sync.Removes();
    program_.max_record_bytes = in_.max_record_bytes;
    if (!absl::LoadTimeZone(in_.timezone, &program_.zone))
      Fail("", "the Source's timezone \"" + in_.timezone + "\" is not known on this machine");
    SelectColumns();
    for (const FieldMapping& mapping : in_.sync.mapping) CompileField(mapping);
    CompileIdentity();
    if (!errors_.empty()) return {std::nullopt, std::move(errors_)};
    program_.recipe =
        RecipeFingerprint(in_, std::span(program_.select).first(program_.hashed_columns));
    program_.identity_fingerprint = IdentityFingerprint(in_, program_);
    program_.identity_is_unique = IdentityIsUnique();
    return {std::move(program_), {}};
  }

 private:
  void Fail(std::string field, std::string message, ErrorCode code = ErrorCode::kINVALID_RESOURCE) {
    errors_.push_back({code, std::move(field), std::move(message)});
  }

  const Column* FindColumn(const std::string& name, const std::string& field) {
    const std::vector<Column>& columns = in_.description.columns;
    auto found = std::find_if(columns.begin(), columns.end(),
                              [&](const Column& c) { return c.name == name; });
    if (found != columns.end()) return &*found;
    Fail(field,
         "the model \"" + in_.model.meta.name + "\" has no column \"" + name + "\"" +
             Suggestion(name, columns, [](const Column& c) { return std::string_view(c.name); }),
         ErrorCode::kMODEL_COLUMN_MISSING);
    return nullptr;
  }

  // The recipe's columns sorted by name, then those that are read only to name the row. A sync that
  // removes has its primary key among the first, for its entries keep a hash of it.
  void SelectColumns() {
    std::set<std::string> hashed, key;
    for (const FieldMapping& mapping : in_.sync.mapping) {
      std::string field = "mapping." + FieldName(mapping.path);
      if (const auto* from = std::get_if<FieldMapping::Column>(&mapping.from)) {
        if (FindColumn(from->name, field) != nullptr) hashed.insert(from->name);
      }
      for (size_t i = 0; i < mapping.transforms.size(); ++i) {
        const Transform& transform = mapping.transforms[i];
        const TransformInfo* info = FindTransform(transform.name);
        for (const auto& [name, value] : TextArguments(transform)) {
          if (info == nullptr || !IsColumnArgument(*info, name)) continue;
          if (FindColumn(value, TransformPath(field, i) + "." + name) != nullptr)
            hashed.insert(value);
        }
      }
    }
    for (const std::string& name : in_.model.primary_key) {
      if (FindColumn(name, "primary_key") != nullptr) key.insert(name);
    }
    if (program_.keeps_identity) hashed.merge(key);
    for (const std::string& name : hashed) Select(name);
    program_.hashed_columns = program_.select.size();
    for (const std::string& name : key) {
      if (!hashed.contains(name)) Select(name);
    }
    for (const std::string& name : in_.model.primary_key)
      program_.primary_key.push_back(SelectIndex(name));
  }

  void Select(const std::string& name) {
    WireType type = WireTypeFor(FindColumn(name, "")->type);
    program_.select.push_back({name, type.Sql()});
    program_.types.push_back(type);
  }

  int SelectIndex(const std::string& name) const {
    for (size_t i = 0; i < program_.select.size(); ++i) {
      if (program_.select[i].name == name) return static_cast<int>(i);
    }
    return -1;  // an error has been noted
  }

  static bool IsColumnArgument(const TransformInfo& info, std::string_view name) {
    return std::any_of(info.arguments.begin(), info.arguments.end(),
                       [&](const auto& a) { return a.name == name && a.is_column; });
  }
  static std::string TransformPath(const std::string& field, size_t i) {
    return field + ".transform[" + std::to_string(i) + "]";
  }

  void CompileField(const FieldMapping& mapping) {
    FieldProgram field;
    field.name = FieldName(mapping.path);
    std::string at = "mapping." + field.name;
    field.default_json = mapping.default_json;
    field.cast = mapping.cast;
    field.on_null = mapping.on_null;
    if (const auto* from = std::get_if<FieldMapping::Column>(&mapping.from)) {
      field.column = SelectIndex(from->name);
      field.path = from->path;
      if (field.column >= 0) CompileColumn(field, at, from->name);
    } else if (const auto* constant = std::get_if<FieldMapping::Constant>(&mapping.from)) {
      field.constant_json = constant->json;
      if (!IsJson(field.constant_json)) Fail(at + ".value", "the value is not JSON");
    }
    if (field.default_json.has_value() && !IsJson(*field.default_json))
      Fail(at + ".default", "the default is not JSON");
    for (size_t i = 0; i < mapping.transforms.size(); ++i)
      CompileTransform(field, TransformPath(at, i), mapping.transforms[i]);
    field.plain = field.column >= 0 && field.path.empty() && !field.default_json.has_value() &&
                  field.cast == Cast::kNone && field.transforms.empty();
    field.key_class = KeyClassOf(field);
    field.pg_type = program_.encoding == Encoding::kPgBinary ? PgTypeOf(field) : 0;
    program_.batch_fields.push_back({mapping.path, field.pg_type});
    program_.fields.push_back(std::move(field));
  }

  void CompileColumn(FieldProgram& field, const std::string& at, const std::string& column) {
    field.type = program_.types[static_cast<size_t>(field.column)];
    bool json = !field.type.array &&
                (field.type.base == WireBase::kJson || field.type.base == WireBase::kJsonb);
    if (!field.path.empty() && !json) {
      Fail(at + ".from", "column \"" + column + "\" is of type " + field.type.Sql() +
                             "; a path leads only into json and jsonb");
    } else if (field.path.empty() && !CanCast(field.type, field.cast)) {
      Fail(at + ".cast", "column \"" + column + "\" of type " + field.type.Sql() +
                             " can't be cast to " + std::string(Name(field.cast)));
    }
  }

  void CompileTransform(FieldProgram& field, const std::string& at, const Transform& transform) {
    BoundTransform bound;
    bound.info = FindTransform(transform.name);
    if (bound.info == nullptr) {
      Fail(at, "there is no transform \"" + transform.name + "\"" +
                   Suggestion(transform.name, AllTransforms(),
                              [](const TransformInfo& t) { return t.name; }));
      return;
    }
    bool maps_case = transform.name == "lower" || transform.name == "upper" ||
                     transform.name == "normalize_email";
    if (maps_case && !HasUnicodeTables())
      Fail(at, "this machine has no locale C.UTF-8, which \"" + transform.name +
                   "\" needs; install libc-bin");
    for (const auto& [name, value] : TextArguments(transform)) {
      const auto& known = bound.info->arguments;
      if (std::none_of(known.begin(), known.end(), [&](const auto& a) { return a.name == name; })) {
        Fail(at, "transform \"" + transform.name + "\" has no argument \"" + name + "\"" +
                     Suggestion(name, known, [](const TransformArgument& a) { return a.name; }));
      } else if (IsColumnArgument(*bound.info, name)) {
        bound.region_column = SelectIndex(value);
      } else {
        bound.region = value;
      }
    }
    field.transforms.push_back(std::move(bound));
  }

  void CompileIdentity() {
    if (in_.sync.identity.empty()) Fail("identity", "a Sync needs at least one identity field");
    for (const std::string& name : in_.sync.identity) {
      auto found = std::find_if(program_.fields.begin(), program_.fields.end(),
                                [&](const FieldProgram& f) { return f.name == name; });
      if (found == program_.fields.end()) {
        Fail("identity", "\"" + name + "\" is not a mapped field" +
                             Suggestion(name, program_.fields, [](const FieldProgram& f) {
                               return std::string_view(f.name);
                             }));
        continue;
      }
      if (auto rule = in_.normalise.find(name); rule != in_.normalise.end())
        found->normalisation = rule->second;
      auto index = static_cast<uint16_t>(found - program_.fields.begin());
      program_.identity.push_back(index);
      program_.identity_batch_fields.push_back(program_.batch_fields[index]);
    }
  }

  bool IdentityIsUnique() const {
    std::set<std::string> columns;
    for (uint16_t index : program_.identity) {
      const FieldProgram& field = program_.fields[index];
      if (!field.KeepsUniqueness()) return false;
      columns.insert(program_.select[static_cast<size_t>(field.column)].name);
    }
    // A constraint on fewer columns is stricter.
    return std::any_of(in_.description.unique.begin(), in_.description.unique.end(),
                       [&](const std::vector<std::string>& set) {
                         return std::includes(columns.begin(), columns.end(), set.begin(),
                                              set.end());
                       });
  }

  const CompileInput& in_;
  Program program_;
  std::vector<CompileError> errors_;
};

}  // namespace

CompileResult Compile(const CompileInput& input) {
  return Compiler(input).Run();
}

}  // namespace penstock

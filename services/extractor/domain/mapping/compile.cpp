#include <algorithm>
#include <set>

#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/functions/template.h"
#include "services/common/values/json_text.h"
#include "services/common/values/utf8.h"
#include "services/extractor/domain/mapping/cast.h"
#include "services/extractor/domain/mapping/expand.h"
#include "services/extractor/domain/mapping/fingerprint.h"
#include "services/extractor/domain/mapping/pg_value.h"
#include "services/extractor/domain/mapping/program.h"

namespace penstock {
namespace {

template <typename Range, typename NameOf>
std::string Suggestion(std::string_view wanted, const Range& range, NameOf name_of) {
  std::vector<std::string_view> names;
  for (const auto& item : range) names.push_back(name_of(item));
  return DidYouMean(wanted, names);
}

KeyClass KeyClassOf(const FieldProgram& field) {
  const WireType& type = field.from.type;
  if (!field.transforms.empty() || field.cast == Cast::kString) return KeyClass::kText;
  if (field.cast == Cast::kInteger) return KeyClass::kInteger;
  if (field.cast == Cast::kNone && !field.template_pieces.empty()) return KeyClass::kText;
  if (field.cast != Cast::kNone || field.from.column < 0 || !field.from.path.empty() || type.array)
    return KeyClass::kSent;
  if (type.base == WireBase::kInt8) return KeyClass::kInteger;
  if (type.base == WireBase::kText) return KeyClass::kText;
  return type.base == WireBase::kUuid && field.plain ? KeyClass::kUuid : KeyClass::kSent;
}

// The types of a constant's JSON text.
Types TypesOfJson(std::string_view json) {
  std::string scratch;
  Value value;
  if (!IsJson(json) || JsonAt(json, {}, scratch, value).has_value()) return types::kNone;
  return TypesOf(value);
}

Types TypesAfter(Cast cast, Types from) {
  switch (cast) {
    case Cast::kNone:
      return from;
    case Cast::kString:
      return types::kText;
    case Cast::kInteger:
      return types::kInteger;
    case Cast::kNumber:
      return types::kNumeric;
    case Cast::kBoolean:
      return types::kBoolean;
    case Cast::kJson:
      return types::kAny;
    case Cast::kDate:
      return types::kDate;
    case Cast::kTimestamp:
      return types::kTimestamp;
  }
  return types::kAny;
}

// A field's template and transforms, read but not yet tied to the columns of the read.
struct Draft {
  std::vector<TemplatePart> parts;
  std::vector<BoundFunction> transforms;  // empty when one of them is wrong
};

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
    mapping_ = ExpandAllColumns(in_, errors_);
    for (const FieldMapping& mapping : mapping_) ReadField(mapping);
    SelectColumns();
    for (size_t i = 0; i < mapping_.size(); ++i) CompileField(mapping_[i], drafts_[i]);
    CompileIdentity();
    CompileKey();
    if (!errors_.empty()) return {std::nullopt, std::move(errors_)};
    program_.recipe = RecipeFingerprint(in_, mapping_, program_);
    program_.identity_fingerprint = IdentityFingerprint(in_.sync.mode, mapping_, program_);
    program_.key_is_unique = KeyIsUnique();
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

  // What a field is made of, and which columns it reads.
  void ReadField(const FieldMapping& mapping) {
    Draft& draft = drafts_.emplace_back();
    const std::string at = "mapping." + FieldName(mapping.path);
    if (const auto* from = std::get_if<FieldMapping::Column>(&mapping.from))
      UseColumn(from->name, at);
    if (const auto* from = std::get_if<FieldMapping::Template>(&mapping.from)) {
      std::vector<std::string> problems;
      draft.parts = ParseTemplate(from->text, problems);
      for (const std::string& problem : problems) Fail(at + ".template", problem);
      for (const TemplatePart& part : draft.parts) UseColumns(part, at + ".template");
    }
    for (size_t i = 0; i < mapping.transforms.size(); ++i) {
      const Transform& transform = mapping.transforms[i];
      std::vector<std::string> problems;
      std::optional<BoundFunction> bound =
          BindTransform(transform.name, transform.args_json, problems);
      for (const std::string& problem : problems) Fail(TransformPath(at, i), problem);
      if (!bound.has_value()) continue;
      UseColumns(*bound, TransformPath(at, i));
      draft.transforms.push_back(*std::move(bound));
    }
  }

  void UseColumn(const std::string& name, const std::string& at) {
    if (FindColumn(name, at) != nullptr) hashed_.insert(name);
  }
  void UseColumns(const BoundFunction& function, const std::string& at) {
    for (const ColumnPath& column : function.columns) UseColumn(column.column, at);
  }
  void UseColumns(const TemplatePart& part, const std::string& at) {
    const auto* expression = std::get_if<TemplateExpression>(&part);
    if (expression == nullptr) return;
    if (const auto* column = std::get_if<ColumnPath>(&expression->operand))
      UseColumn(column->column, at);
    for (const BoundFunction& filter : expression->filters) UseColumns(filter, at);
  }

  // The recipe's columns sorted by name, then those that are read only to name the row. A sync that
  // removes has its primary key among the first, for its entries keep a hash of it.
  void SelectColumns() {
    std::set<std::string> key;
    for (const std::string& name : in_.model.primary_key) {
      if (FindColumn(name, "primary_key") != nullptr) key.insert(name);
    }
    if (program_.keeps_identity) hashed_.merge(key);
    for (const std::string& name : hashed_) Select(name);
    program_.hashed_columns = program_.select.size();
    for (const std::string& name : key) {
      if (!hashed_.contains(name)) Select(name);
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

  static std::string TransformPath(const std::string& field, size_t i) {
    return field + ".transform[" + std::to_string(i) + "]";
  }

  void CompileField(const FieldMapping& mapping, const Draft& draft) {
    FieldProgram field;
    field.name = FieldName(mapping.path);
    std::string at = "mapping." + field.name;
    field.default_json = mapping.default_json;
    field.cast = mapping.cast;
    field.on_null = mapping.on_null;
    Types found = types::kNone;
    if (const auto* from = std::get_if<FieldMapping::Column>(&mapping.from)) {
      field.from = Read({from->name, from->path}, at + ".from");
      found = TypesIn(field.from);
      if (field.from.column >= 0 && from->path.empty() && !CanCast(field.from.type, field.cast))
        Fail(at + ".cast", "column \"" + from->name + "\" of type " + field.from.type.Sql() +
                               " can't be cast to " + std::string(Name(field.cast)));
    } else if (const auto* constant = std::get_if<FieldMapping::Constant>(&mapping.from)) {
      field.constant_json = constant->json;
      found = TypesOfJson(constant->json);
      if (!IsJson(field.constant_json)) Fail(at + ".value", "the value is not JSON");
    } else {
      found = types::kText;
      for (const TemplatePart& part : draft.parts)
        field.template_pieces.push_back(CompilePart(part, at + ".template"));
    }
    if (field.default_json.has_value()) {
      found |= TypesOfJson(*field.default_json);
      if (!IsJson(*field.default_json)) Fail(at + ".default", "the default is not JSON");
    }
    found = TypesAfter(field.cast, found);
    for (size_t i = 0; i < draft.transforms.size(); ++i)
      field.transforms.push_back(CompileFunction(draft.transforms[i], TransformPath(at, i), found));
    field.plain = field.from.column >= 0 && field.from.path.empty() &&
                  !field.default_json.has_value() && field.cast == Cast::kNone &&
                  field.transforms.empty();
    field.key_class = KeyClassOf(field);
    field.pg_type = program_.encoding == Encoding::kPgBinary ? PgTypeOf(field) : 0;
    program_.batch_fields.push_back({mapping.path, field.pg_type});
    program_.fields.push_back(std::move(field));
  }

  // Of a column that isn't there, which has been told, the index stays -1.
  ColumnRead Read(const ColumnPath& from, const std::string& at) {
    ColumnRead read{.column = SelectIndex(from.column), .path = from.path};
    if (read.column < 0) return read;
    read.type = program_.types[static_cast<size_t>(read.column)];
    const bool json = !read.type.array &&
                      (read.type.base == WireBase::kJson || read.type.base == WireBase::kJsonb);
    if (!from.path.empty() && !json)
      Fail(at, "column \"" + from.column + "\" is of type " + read.type.Sql() +
                   "; a path leads only into json and jsonb");
    return read;
  }
  static Types TypesIn(const ColumnRead& read) {
    return read.column < 0 || !read.path.empty() ? types::kAny : read.type.Values();
  }

  TemplatePiece CompilePart(const TemplatePart& part, const std::string& at) {
    TemplatePiece piece;
    if (const auto* text = std::get_if<std::string>(&part)) {
      piece.constant.text = *text;
      return piece;
    }
    const auto& expression = std::get<TemplateExpression>(part);
    Types found = types::kNone;
    if (const auto* literal = std::get_if<Literal>(&expression.operand)) {
      piece.constant = *literal;
      found = TypesOf(Value{literal->kind, literal->text});
    } else {
      piece.column = Read(std::get<ColumnPath>(expression.operand), at);
      found = TypesIn(piece.column);
    }
    for (const BoundFunction& filter : expression.filters)
      piece.filters.push_back(CompileFunction(filter, at, found));
    return piece;
  }

  // `found`: the types that come in, and then those that go out.
  FunctionStep CompileFunction(const BoundFunction& bound, const std::string& at, Types& found) {
    FunctionStep step{.function = bound};
    if (found != types::kNone && (found & bound.function->takes) == 0)
      Fail(at, TypeMismatch(*bound.function, found));
    if (bound.function->maps_case && !HasUnicodeTables())
      Fail(at, "this machine has no locale C.UTF-8, which \"" + std::string(bound.function->name) +
                   "\" needs; install libc-bin");
    Types columns = types::kNone;
    for (const ColumnPath& column : bound.columns) {
      columns |= TypesIn(step.columns.emplace_back(Read(column, at)));
    }
    for (size_t i = 0; i < step.function.arguments.size(); ++i) {
      Argument& argument = step.function.arguments[i];
      if (bound.function->parameters[i].kind == ArgumentKind::kSecret && argument.given)
        ResolveSecret(argument, at);
    }
    found = ResultTypes(bound, found, columns);
    return step;
  }

  void ResolveSecret(Argument& argument, const std::string& at) {
    absl::StatusOr<std::string> secret =
        in_.secret ? in_.secret(argument.text)
                   : Error(ErrorCode::kSECRET_NOT_FOUND, "there are no secrets here");
    if (!secret.ok()) {
      Fail(at, std::string(Std(secret.status().message())),
           CodeOf(secret.status()).value_or(ErrorCode::kSECRET_NOT_FOUND));
    } else if (secret->empty()) {
      Fail(at, "the secret " + argument.text + " is empty", ErrorCode::kSECRET_NOT_FOUND);
    } else {
      argument.text = *std::move(secret);
    }
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

  // Each row of an append is an event of its own; elsewhere the destination knows a record by its
  // identity.
  void CompileKey() {
    if (in_.sync.mode != Mode::kAppend) {
      for (uint16_t index : program_.identity) program_.key.push_back(program_.fields[index]);
      return;
    }
    if (in_.model.primary_key.empty())
      Fail("mode", "append knows a row by its primary key, which the model \"" +
                       in_.model.meta.name + "\" doesn't name; add primary_key to it");
    for (const std::string& name : in_.model.primary_key) {
      FieldProgram column{.name = name, .from = Read({name, {}}, "primary_key"), .plain = true};
      column.key_class = KeyClassOf(column);
      program_.key.push_back(std::move(column));
    }
  }

  bool KeyIsUnique() const {
    std::set<std::string> columns;
    for (const FieldProgram& field : program_.key) {
      if (!field.KeepsUniqueness()) return false;
      columns.insert(program_.select[static_cast<size_t>(field.from.column)].name);
    }
    // A constraint on fewer columns is stricter.
    return std::any_of(in_.description.unique.begin(), in_.description.unique.end(),
                       [&](const std::vector<std::string>& set) {
                         return std::includes(columns.begin(), columns.end(), set.begin(),
                                              set.end());
                       });
  }

  const CompileInput& in_;
  std::vector<FieldMapping> mapping_;  // of single fields
  std::vector<Draft> drafts_;          // of mapping_
  std::set<std::string> hashed_;       // the recipe's columns
  Program program_;
  std::vector<CompileError> errors_;
};

}  // namespace

CompileResult Compile(const CompileInput& input) {
  return Compiler(input).Run();
}

}  // namespace penstock

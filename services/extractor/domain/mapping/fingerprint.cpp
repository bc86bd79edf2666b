#include "services/extractor/domain/mapping/fingerprint.h"

#include "services/common/core/bytes.h"
#include "services/common/core/hash.h"

namespace penstock {
namespace {

// Raised when the rendering of values changes, so that every row is sent once more.
constexpr uint32_t kEncodingVersion = 1;
// Raised when a normalisation changes, which changes the keys.
constexpr uint32_t kNormalisationVersion = 1;
// Stands where the first field's path begins, with a length that no path has.
constexpr uint32_t kKeyedByPrimaryKey = ~uint32_t{0};

void WritePath(ByteWriter& w, const std::vector<std::string>& path) {
  w.Int(static_cast<uint32_t>(path.size()));
  for (const std::string& segment : path) w.Bytes(segment);
}

void WriteOrigin(ByteWriter& w, const FieldMapping::Origin& origin) {
  w.Int(static_cast<uint8_t>(origin.index()));
  if (const auto* column = std::get_if<FieldMapping::Column>(&origin)) {
    w.Bytes(column->name);
    WritePath(w, column->path);
  } else if (const auto* constant = std::get_if<FieldMapping::Constant>(&origin)) {
    w.Bytes(constant->json);
  } else if (const auto* text = std::get_if<FieldMapping::Template>(&origin)) {
    w.Bytes(text->text);
  }
}

// The version of a secret: nobody finds it by this digest but who knows it.
std::string SecretVersion(const std::string& secret) {
  BoundFunction hmac{FindFunction("hmac_sha256"), {{.given = true, .text = secret}}, {}};
  Value value{Value::Kind::kText, "version of a secret"};
  std::string digest;
  static_cast<void>(Apply(hmac, {}, absl::UTCTimeZone(), value, digest));
  return digest;
}

void WriteSecrets(ByteWriter& w, std::span<const FunctionStep> steps) {
  for (const FunctionStep& step : steps) {
    for (size_t i = 0; i < step.function.arguments.size(); ++i) {
      if (step.function.function->parameters[i].kind == ArgumentKind::kSecret)
        w.Bytes(SecretVersion(step.function.arguments[i].text));
    }
  }
}

void WriteTransforms(ByteWriter& w, const FieldMapping& mapping, const FieldProgram& field) {
  w.Int(static_cast<uint32_t>(mapping.transforms.size()));
  for (const Transform& transform : mapping.transforms) {
    w.Bytes(transform.name);
    w.Bytes(transform.args_json);
  }
  WriteSecrets(w, field.transforms);
}

uint64_t MappingFingerprint(std::span<const FieldMapping> mapping, const Program& program) {
  std::string bytes;
  ByteWriter w(bytes);
  for (size_t i = 0; i < mapping.size(); ++i) {
    const FieldMapping& field = mapping[i];
    WritePath(w, field.path);
    WriteOrigin(w, field.from);
    w.Int(static_cast<uint8_t>(field.default_json.has_value()));
    w.Bytes(field.default_json.value_or(""));
    w.Int(static_cast<uint8_t>(field.cast));
    WriteTransforms(w, field, program.fields[i]);
    w.Int(static_cast<uint8_t>(field.on_null));
  }
  return HashBytes64(bytes);
}

}  // namespace

uint64_t RecipeFingerprint(const CompileInput& input, std::span<const FieldMapping> mapping,
                           const Program& program) {
  std::string bytes;
  ByteWriter w(bytes);
  w.Int(kEncodingVersion);
  w.Int(static_cast<uint32_t>(program.hashed_columns));
  for (const SelectColumn& column : std::span(program.select).first(program.hashed_columns)) {
    w.Bytes(column.name);
    w.Bytes(column.type);
  }
  w.Int(MappingFingerprint(mapping, program));
  w.Bytes(input.timezone);
  w.Int(static_cast<uint8_t>(input.encoding));
  w.Int(static_cast<uint8_t>(input.values.scalars));
  w.Int(static_cast<uint8_t>(input.values.big_integers));
  w.Bytes(input.values.null);
  return HashBytes64(bytes);
}

uint64_t IdentityFingerprint(Mode mode, std::span<const FieldMapping> mapping,
                             const Program& program) {
  std::string bytes;
  ByteWriter w(bytes);
  w.Int(kNormalisationVersion);
  if (mode == Mode::kAppend) {
    w.Int(kKeyedByPrimaryKey);
    for (const FieldProgram& column : program.key) {
      w.Bytes(column.name);
      w.Int(static_cast<uint8_t>(column.key_class));
    }
    return HashBytes64(bytes);
  }
  for (uint16_t index : program.identity) {
    const FieldProgram& field = program.fields[index];
    WritePath(w, mapping[index].path);
    w.Int(static_cast<uint8_t>(field.key_class));
    if (const auto* text = std::get_if<FieldMapping::Template>(&mapping[index].from))
      w.Bytes(text->text);
    WriteTransforms(w, mapping[index], field);
    w.Int(static_cast<uint8_t>(field.normalisation));
  }
  return HashBytes64(bytes);
}

}  // namespace penstock

#include "services/extractor/domain/mapping/fingerprint.h"

#include "services/common/core/bytes.h"
#include "services/common/core/hash.h"

namespace penstock {
namespace {

// Raised when the rendering of values changes, so that every row is sent once more.
constexpr uint32_t kEncodingVersion = 1;
// Raised when a normalisation changes, which changes the keys.
constexpr uint32_t kNormalisationVersion = 1;

void WritePath(ByteWriter& w, const std::vector<std::string>& path) {
  w.Int(static_cast<uint32_t>(path.size()));
  for (const std::string& segment : path) w.Bytes(segment);
}

void WriteTransforms(ByteWriter& w, const std::vector<Transform>& transforms) {
  w.Int(static_cast<uint32_t>(transforms.size()));
  for (const Transform& transform : transforms) {
    w.Bytes(transform.name);
    w.Bytes(transform.args_json);
  }
}

uint64_t MappingFingerprint(const CompileInput& input) {
  std::string bytes;
  ByteWriter w(bytes);
  for (const FieldMapping& field : input.sync.mapping) {
    WritePath(w, field.path);
    w.Int(static_cast<uint8_t>(field.from.index()));
    if (const auto* column = std::get_if<FieldMapping::Column>(&field.from)) {
      w.Bytes(column->name);
      WritePath(w, column->path);
    } else if (const auto* constant = std::get_if<FieldMapping::Constant>(&field.from)) {
      w.Bytes(constant->json);
    }
    w.Int(static_cast<uint8_t>(field.default_json.has_value()));
    w.Bytes(field.default_json.value_or(""));
    w.Int(static_cast<uint8_t>(field.cast));
    WriteTransforms(w, field.transforms);
    w.Int(static_cast<uint8_t>(field.on_null));
  }
  return HashBytes64(bytes);
}

}  // namespace

uint64_t RecipeFingerprint(const CompileInput& input, std::span<const SelectColumn> hashed) {
  std::string bytes;
  ByteWriter w(bytes);
  w.Int(kEncodingVersion);
  w.Int(static_cast<uint32_t>(hashed.size()));
  for (const SelectColumn& column : hashed) {
    w.Bytes(column.name);
    w.Bytes(column.type);
  }
  w.Int(MappingFingerprint(input));
  w.Bytes(input.timezone);
  w.Int(static_cast<uint8_t>(input.encoding));
  w.Int(static_cast<uint8_t>(input.values.scalars));
  w.Int(static_cast<uint8_t>(input.values.big_integers));
  w.Bytes(input.values.null);
  return HashBytes64(bytes);
}

uint64_t IdentityFingerprint(const CompileInput& input, const Program& program) {
  std::string bytes;
  ByteWriter w(bytes);
  w.Int(kNormalisationVersion);
  for (uint16_t index : program.identity) {
    const FieldProgram& field = program.fields[index];
    WritePath(w, input.sync.mapping[index].path);
    w.Int(static_cast<uint8_t>(field.key_class));
    WriteTransforms(w, input.sync.mapping[index].transforms);
    w.Int(static_cast<uint8_t>(field.normalisation));
  }
  return HashBytes64(bytes);
}

}  // namespace penstock

#include "services/extractor/domain/mapping/mapper.h"

#include <algorithm>
#include <utility>

#include "services/common/core/bytes.h"
#include "services/common/values/json_text.h"
#include "services/common/values/utf8.h"
#include "services/extractor/domain/mapping/cast.h"
#include "services/extractor/domain/mapping/decode.h"
#include "services/extractor/domain/mapping/pg_value.h"
#include "services/extractor/domain/mapping/row_hash.h"

namespace penstock {
namespace {

ValueError InField(const FieldProgram& field, ValueError error) {
  error.reason = "field \"" + field.name + "\": " + error.reason;
  return error;
}

// A label names a row for people, and travels with every record and error.
constexpr size_t kMaxLabelValue = 200;
// What state keeps of a record for its removal.
constexpr size_t kMaxIdentityBytes = 64 << 10;

bool HoldsText(const WireType& type) {
  return !type.array && (type.base == WireBase::kText || type.base == WireBase::kJson ||
                         type.base == WireBase::kJsonb);
}

// Whether a whole number is beyond what a double holds exactly.
bool IsBig(std::string_view digits) {
  constexpr std::string_view kLimit = "9007199254740992";  // 2^53
  if (digits.starts_with('-')) digits.remove_prefix(1);
  return digits.size() > kLimit.size() || (digits.size() == kLimit.size() && digits > kLimit);
}

}  // namespace

Mapper::Mapper(const Program& program, uint64_t seed) : program_(program), seed_(seed) {
  for (size_t i = 0; i < program_.hashed_columns; ++i) {
    if (NeedsCanonicalBytes(program_.types[i])) normalised_.push_back(i);
  }
}

uint64_t Mapper::RowHash(const RawRow& row) {
  return HashRow(row, program_.hashed_columns, program_.types, normalised_, seed_, row_bytes_);
}

MaybeError Mapper::ReadColumn(const ColumnRead& from, const RawRow& row, std::string& scratch,
                              Value& out) const {
  const RawField& raw = row.fields[static_cast<size_t>(from.column)];
  out = {};
  if (raw.null()) return std::nullopt;
  if (from.path.empty()) return Decode(from.type, raw.bytes(), program_.zone, scratch, out);
  std::string_view json = raw.bytes();
  if (!IsUtf8(json)) return NotRepresentable("its JSON is not UTF-8");
  if (from.type.base == WireBase::kJsonb) json.remove_prefix(std::min<size_t>(1, json.size()));
  return JsonAt(json, from.path, scratch, out);
}

MaybeError Mapper::Origin(const FieldProgram& field, const RawRow& row, Value& out) {
  if (field.from.column >= 0) return ReadColumn(field.from, row, *front_, out);
  if (!field.template_pieces.empty()) return RenderTemplate(field, row, out);
  return JsonAt(field.constant_json, {}, *front_, out);
}

MaybeError Mapper::RenderPiece(const TemplatePiece& piece, const RawRow& row, Value& out) {
  out = {piece.constant.kind, piece.constant.text};
  if (piece.column.column >= 0) {
    if (MaybeError error = ReadColumn(piece.column, row, *front_, out)) return error;
  }
  for (const FunctionStep& step : piece.filters) {
    if (MaybeError error = ApplyStep(step, row, out)) return error;
  }
  return std::nullopt;
}

// A template is a text; it is NULL only when all of it is one expression that is.
MaybeError Mapper::RenderTemplate(const FieldProgram& field, const RawRow& row, Value& out) {
  template_bytes_.clear();
  for (const TemplatePiece& piece : field.template_pieces) {
    if (MaybeError error = RenderPiece(piece, row, out)) return error;
    if (field.template_pieces.size() == 1) {
      if (!out.null()) out.kind = Value::Kind::kText;
      return std::nullopt;
    }
    template_bytes_ += out.text;
    if (template_bytes_.size() > kMaxResultBytes) return TooLarge();
  }
  front_->swap(template_bytes_);
  out = {Value::Kind::kText, *front_};
  return std::nullopt;
}

MaybeError Mapper::Evaluate(const FieldProgram& field, const RawRow& row, Value& out) {
  if (MaybeError error = Origin(field, row, out)) return error;
  if (out.null() && field.default_json.has_value()) {
    if (MaybeError error = JsonAt(*field.default_json, {}, *front_, out)) return error;
  }
  if (field.cast != Cast::kNone && !out.null()) {
    if (MaybeError error = ApplyCast(field.cast, program_.zone, *back_, out)) return error;
    KeepResult(out);
  }
  for (const FunctionStep& step : field.transforms) {
    if (MaybeError error = ApplyStep(step, row, out)) return error;
  }
  return std::nullopt;
}

MaybeError Mapper::ApplyStep(const FunctionStep& step, const RawRow& row, Value& value) {
  if (!IsCalledFor(*step.function.function, value)) return std::nullopt;
  const size_t columns = step.columns.size();
  if (argument_buffers_.size() < columns) argument_buffers_.resize(columns);
  argument_values_.resize(columns);
  for (size_t i = 0; i < columns; ++i) {
    if (MaybeError error =
            ReadColumn(step.columns[i], row, argument_buffers_[i], argument_values_[i]))
      return error;
  }
  if (MaybeError error = Apply(step.function, argument_values_, program_.zone, value, *back_))
    return error;
  KeepResult(value);
  return std::nullopt;
}

// What a step has written must outlive the next one.
void Mapper::KeepResult(const Value& value) {
  if (value.text.data() == back_->data()) std::swap(front_, back_);
}

MaybeError Mapper::AppendKeyPart(const FieldProgram& field, const RawRow& row) {
  ByteWriter w(key_bytes_);
  auto append = [&](KeyClass key_class, std::string_view bytes) {
    w.Int(static_cast<uint8_t>(key_class));
    w.Bytes(bytes);
  };
  ValueError null{ErrorCode::kIDENTITY_NULL, "it is part of the key and its value is NULL"};
  bool normalise = field.normalisation == Normalisation::kLowerTrim &&
                   (field.key_class == KeyClass::kText || field.key_class == KeyClass::kSent);
  if (field.plain && !normalise && field.key_class != KeyClass::kSent) {
    const RawField& raw = row.fields[static_cast<size_t>(field.from.column)];
    if (raw.null()) return null;
    if (field.key_class == KeyClass::kInteger) {
      if (raw.size != sizeof(int64_t)) return NotRepresentable("its bytes are not a bigint's");
      AppendIntegerKey(raw.bytes(), key_bytes_);
    } else {
      append(field.key_class, raw.bytes());
    }
    return std::nullopt;
  }
  Value value;
  if (MaybeError error = Evaluate(field, row, value)) return error;
  if (value.null()) return null;
  if (field.key_class == KeyClass::kInteger && AppendIntegerTextKey(value.text, key_bytes_))
    return std::nullopt;
  std::string_view text = value.text;
  if (normalise) {
    normalised_text_.clear();
    AppendLower(normalised_text_, Trim(text));
    text = normalised_text_;
  }
  append(field.key_class == KeyClass::kInteger ? KeyClass::kSent : field.key_class, text);
  return std::nullopt;
}

MaybeError Mapper::Key(const RawRow& row, Hash128& out) {
  key_bytes_.clear();
  for (const FieldProgram& field : program_.key) {
    if (MaybeError error = AppendKeyPart(field, row)) return InField(field, *std::move(error));
  }
  out = HashBytes128(key_bytes_, seed_);
  return std::nullopt;
}

uint64_t Mapper::PrimaryKeyHash(const RawRow& row) {
  return HashPrimaryKey(row, program_.primary_key, program_.types, seed_, key_bytes_);
}

void Mapper::AppendJsonValue(const Value& value, std::string& out) const {
  bool quoted = program_.values.scalars == ScalarForm::kString;
  switch (value.kind) {
    case Value::Kind::kNull:
      out += program_.values.null;
      return;
    case Value::Kind::kText:
      AppendJsonString(out, value.text);
      return;
    case Value::Kind::kJson:
      out += value.text;
      return;
    case Value::Kind::kInteger:
      quoted = quoted || (program_.values.big_integers == ScalarForm::kString && IsBig(value.text));
      break;
    case Value::Kind::kNumber:
    case Value::Kind::kBoolean:
      break;
  }
  if (quoted) out += '"';
  out += value.text;
  if (quoted) out += '"';
}

MaybeError Mapper::RenderField(const FieldProgram& field, const RawRow& row, std::string& out,
                               bool& absent, bool& skip) {
  bool binary = program_.encoding == Encoding::kPgBinary;
  if (binary && field.plain) {
    const RawField& raw = row.fields[static_cast<size_t>(field.from.column)];
    absent = raw.null();
    skip = absent && field.on_null == OnNull::kSkipRecord;
    if (HoldsText(field.from.type) && !IsUtf8(raw.bytes()))
      return NotRepresentable("its text is not UTF-8");
    out += raw.bytes();
    return std::nullopt;
  }
  Value value;
  if (MaybeError error = Evaluate(field, row, value)) return error;
  if (value.null()) {
    skip = field.on_null == OnNull::kSkipRecord;
    absent = binary || field.on_null == OnNull::kOmit;
    if (absent) return std::nullopt;
  }
  if (binary) return AppendPgValue(out, field.pg_type, value);
  AppendJsonValue(value, out);
  return std::nullopt;
}

Mapper::Rendering Mapper::Render(const RawRow& row, RenderedRecord& out, ValueError& error) {
  out.bytes_.clear();
  out.slices_.clear();
  for (const FieldProgram& field : program_.fields) {
    RenderedRecord::Slice slice{.begin = out.bytes_.size()};
    bool skip = false;
    if (MaybeError failed = RenderField(field, row, out.bytes_, slice.absent, skip)) {
      error = InField(field, *std::move(failed));
      return Rendering::kInvalid;
    }
    if (skip) return Rendering::kSkip;
    slice.size = out.bytes_.size() - slice.begin;
    out.slices_.push_back(slice);
  }
  if (out.bytes_.size() > program_.max_record_bytes) {
    error = {ErrorCode::kRECORD_TOO_LARGE, "the record has " + std::to_string(out.bytes_.size()) +
                                               " bytes, and at most " +
                                               std::to_string(program_.max_record_bytes) +
                                               " can be sent; map fewer or shorter columns"};
    return Rendering::kInvalid;
  }
  if (program_.keeps_identity) {
    size_t identity = 0;
    for (uint16_t index : program_.identity) identity += out.slices_[index].size;
    if (identity > kMaxIdentityBytes) {
      error = {ErrorCode::kRECORD_TOO_LARGE,
               "the identity has " + std::to_string(identity) + " bytes, and at most " +
                   std::to_string(kMaxIdentityBytes) +
                   " can be kept for a later removal; choose a shorter identity"};
      return Rendering::kInvalid;
    }
  }
  return Rendering::kDone;
}

void Mapper::AppendLabel(const RawRow& row, std::string& out) {
  if (program_.primary_key.empty()) return;
  out += '{';
  for (int index : program_.primary_key) {
    auto column = static_cast<size_t>(index);
    if (out.back() != '{') out += ',';
    AppendJsonString(out, program_.select[column].name);
    out += ':';
    Value value;
    const RawField& raw = row.fields[column];
    // A key that can't be shown still leaves a label; the row's error says what is wrong with it.
    if (raw.null() ||
        Decode(program_.types[column], raw.bytes(), program_.zone, *front_, value).has_value() ||
        value.null()) {
      out += "null";
    } else if (value.text.size() > kMaxLabelValue) {
      AppendJsonString(out, std::string(ClipText(value.text, kMaxLabelValue)) + "…");
    } else if (value.kind == Value::Kind::kText) {
      AppendJsonString(out, value.text);
    } else {
      out += value.text;
    }
  }
  out += '}';
}

void Mapper::AppendIdentity(const RenderedRecord& record, std::string& out) const {
  ByteWriter w(out);
  for (uint16_t index : program_.identity) w.Bytes(record.slice(index).value_or(""));
}

}  // namespace penstock

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/core/hash.h"
#include "services/common/values/value.h"
#include "services/extractor/domain/mapping/program.h"
#include "services/extractor/domain/raw_row.h"

namespace penstock {

// A record as it goes into a batch: its fields' slices, in the order of the program's fields.
// Reused from row to row.
class RenderedRecord {
 public:
  size_t size() const { return slices_.size(); }
  // nullopt: absent.
  std::optional<std::string_view> slice(size_t field) const {
    const Slice& s = slices_[field];
    if (s.absent) return std::nullopt;
    return std::string_view(bytes_).substr(s.begin, s.size);
  }
  size_t bytes() const { return bytes_.size(); }

 private:
  friend class Mapper;
  struct Slice {
    size_t begin = 0, size = 0;
    bool absent = false;
  };
  std::string bytes_;
  std::vector<Slice> slices_;
};

// Works on single rows by a Program. Allocates nothing per row once its buffers have grown. One per
// thread; the program must outlive it.
class Mapper {
 public:
  // `seed` is the snapshot's.
  Mapper(const Program& program, uint64_t seed);

  // The key's hash, or why the row has none: IDENTITY_NULL, or a value's error. The message names
  // the field, never the value.
  MaybeError Key(const RawRow& row, Hash128& out);
  // 63 bits, never kForeignRow.
  uint64_t RowHash(const RawRow& row);
  uint64_t PrimaryKeyHash(const RawRow& row);

  enum class Rendering : uint8_t { kDone, kSkip, kInvalid };
  // kSkip: a NULL whose field says skip_record. kInvalid: `error` says why.
  Rendering Render(const RawRow& row, RenderedRecord& out, ValueError& error);

  // Appends the row's primary key as a JSON object, for people, long values cut; empty for a model
  // without one.
  void AppendLabel(const RawRow& row, std::string& out);
  // Appends the identity's slices as intents keep them, each u32 length and bytes.
  void AppendIdentity(const RenderedRecord& record, std::string& out) const;

 private:
  MaybeError Evaluate(const FieldProgram& field, const RawRow& row, Value& out);
  MaybeError Origin(const FieldProgram& field, const RawRow& row, Value& out);
  MaybeError ReadColumn(const ColumnRead& from, const RawRow& row, std::string& scratch,
                        Value& out) const;
  MaybeError RenderTemplate(const FieldProgram& field, const RawRow& row, Value& out);
  MaybeError RenderPiece(const TemplatePiece& piece, const RawRow& row, Value& out);
  MaybeError ApplyStep(const FunctionStep& step, const RawRow& row, Value& value);
  void KeepResult(const Value& value);
  MaybeError RenderField(const FieldProgram& field, const RawRow& row, std::string& out,
                         bool& absent, bool& skip);
  void AppendJsonValue(const Value& value, std::string& out) const;
  MaybeError AppendKeyPart(const FieldProgram& field, const RawRow& row);

  const Program& program_;
  const uint64_t seed_;
  std::vector<size_t> normalised_;  // hashed columns whose bytes are made canonical first
  std::string key_bytes_, row_bytes_, normalised_text_, template_bytes_;
  // Of the columns that a function takes.
  std::vector<Value> argument_values_;
  std::vector<std::string> argument_buffers_;
  // A value lies in *front_; a step writes its result into *back_, and then they change places.
  std::array<std::string, 2> buffers_;
  std::string* front_ = &buffers_[0];
  std::string* back_ = &buffers_[1];
};

}  // namespace penstock

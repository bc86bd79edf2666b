#include "services/common/model/batch.h"

#include <zstd.h>

#include "services/common/core/bytes.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr std::string_view kMagic = "PSB1";
constexpr uint16_t kVersion = 1;
constexpr uint16_t kKeepsIdentity = 1, kAdopted = 2;
constexpr uint32_t kAbsent = 0xFFFFFFFF;
constexpr size_t kChecksumSize = 8;
constexpr int kCompressionLevel = 1;

absl::Status Corrupt(std::string_view what) {
  return Error(ErrorCode::kDATA_CORRUPT, "batch: " + std::string(what));
}

// The lengths that stand between the header and the compressed body.
struct BodySizes {
  uint32_t records = 0, body = 0, intents = 0;
};

void WriteHeader(ByteWriter& w, const BatchHeader& h, const BatchId& id, const BodySizes& sizes) {
  w.Raw(kMagic);
  w.Int(kVersion);
  w.Int(
      static_cast<uint16_t>((h.keeps_identity ? kKeepsIdentity : 0) | (h.adopted ? kAdopted : 0)));
  w.Raw(id.run.raw());
  w.Int(id.read);
  w.Int(id.task);
  w.Int(id.number);
  w.Int(static_cast<uint8_t>(h.operation));
  w.Int(static_cast<uint8_t>(h.encoding));
  w.Int(static_cast<uint16_t>(h.fields.size()));
  for (const BatchField& field : h.fields) {
    w.Int(static_cast<uint8_t>(field.path.size()));
    for (const std::string& segment : field.path) w.Bytes(segment);
    w.Int(field.pg_type);
  }
  w.Int(static_cast<uint16_t>(h.identity_fields.size()));
  for (uint16_t index : h.identity_fields) w.Int(index);
  w.Int(sizes.records);
  w.Int(sizes.body);
  w.Int(sizes.intents);
}

absl::StatusOr<BatchHeader> ReadHeader(ByteReader& r, BodySizes& sizes) {
  BatchHeader h;
  if (r.Raw(kMagic.size()) != kMagic) return Corrupt("it does not begin with PSB1");
  if (uint16_t version = r.Int<uint16_t>(); version != kVersion)
    return Corrupt("version " + std::to_string(version) + " is not known here");
  const auto flags = r.Int<uint16_t>();
  h.keeps_identity = (flags & kKeepsIdentity) != 0;
  h.adopted = (flags & kAdopted) != 0;
  std::string_view run = r.Raw(16);
  if (!r.ok()) return Corrupt("its header is cut short");
  h.id.run = Uuid::FromRaw(run);
  h.id.read = r.Int<uint32_t>();
  h.id.task = r.Int<uint64_t>();
  h.id.number = r.Int<uint32_t>();
  uint8_t operation = r.Int<uint8_t>(), encoding = r.Int<uint8_t>();
  if (operation < 1 || operation > static_cast<uint8_t>(Operation::kForget) || encoding < 1 ||
      encoding > static_cast<uint8_t>(Encoding::kPgBinary))
    return Corrupt("its operation or encoding is not known here");
  h.operation = static_cast<Operation>(operation);
  h.encoding = static_cast<Encoding>(encoding);
  uint16_t fields = r.Int<uint16_t>();
  for (uint16_t i = 0; i < fields && r.ok(); ++i) {
    BatchField& field = h.fields.emplace_back();
    uint8_t segments = r.Int<uint8_t>();
    for (uint8_t s = 0; s < segments && r.ok(); ++s) field.path.emplace_back(r.Bytes());
    field.pg_type = r.Int<uint32_t>();
  }
  uint16_t identity = r.Int<uint16_t>();
  for (uint16_t i = 0; i < identity && r.ok(); ++i) {
    h.identity_fields.push_back(r.Int<uint16_t>());
    if (h.identity_fields.back() >= fields) return Corrupt("an identity field is not a field");
  }
  sizes = {r.Int<uint32_t>(), r.Int<uint32_t>(), r.Int<uint32_t>()};
  if (!r.ok()) return Corrupt("its header is cut short");
  if (sizes.body > kMaxBatchBody) return Corrupt("its body is over 256 MiB");
  if (sizes.intents > sizes.body) return Corrupt("its intents are longer than its body");
  return h;
}

}  // namespace

std::string BatchId::ToString() const {
  return run.ToString() + "/" + std::to_string(read) + "/" + std::to_string(task) + "/" +
         std::to_string(number);
}

BatchBuilder::BatchBuilder(BatchHeader layout)
    : header_(std::move(layout)), compressor_(ZSTD_createCCtx()) {}
BatchBuilder::~BatchBuilder() = default;
BatchBuilder::BatchBuilder(BatchBuilder&&) noexcept = default;
BatchBuilder& BatchBuilder::operator=(BatchBuilder&&) noexcept = default;

void BatchBuilder::FreeCompressor::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

void BatchBuilder::BeginRecord(const Intent& intent, std::string_view label) {
  IntentWriter(intents_, header_.keeps_identity).Add(intent);
  ByteWriter(labels_).Bytes(label);
  ++records_;
}

void BatchBuilder::AddValue(std::string_view slice) {
  ByteWriter(values_).Bytes(slice);
}

void BatchBuilder::AddAbsent() {
  ByteWriter(values_).Int(kAbsent);
}

std::string BatchBuilder::Finish(const BatchId& id) {
  BodySizes sizes{.records = records_, .intents = static_cast<uint32_t>(intents_.size())};
  std::string& body = intents_;
  body += labels_;
  body += values_;
  sizes.body = static_cast<uint32_t>(body.size());

  std::string out;
  ByteWriter writer(out);
  out.reserve(1024 + ZSTD_compressBound(body.size()));
  WriteHeader(writer, header_, id, sizes);
  size_t start = out.size();
  out.resize(start + ZSTD_compressBound(body.size()));
  // Can't fail: the room is compressBound's and the level is valid.
  size_t compressed = ZSTD_compressCCtx(compressor_.get(), out.data() + start, out.size() - start,
                                        body.data(), body.size(), kCompressionLevel);
  out.resize(start + compressed);
  writer.Int(HashBytes64(out));

  records_ = 0;
  intents_.clear();
  labels_.clear();
  values_.clear();
  return out;
}

absl::StatusOr<BatchHeader> Batch::DecodeHeader(std::string_view encoded) {
  ByteReader reader(encoded);
  BodySizes sizes;
  return ReadHeader(reader, sizes);
}

absl::StatusOr<Batch> Batch::Decode(std::string_view encoded) {
  if (encoded.size() < kChecksumSize) return Corrupt("it is cut short");
  std::string_view content = encoded.substr(0, encoded.size() - kChecksumSize);
  if (ByteReader(encoded.substr(content.size())).Int<uint64_t>() != HashBytes64(content))
    return Corrupt("its checksum does not match");

  Batch batch;
  BodySizes sizes;
  ByteReader reader(content);
  PENSTOCK_ASSIGN_OR_RETURN(batch.header_, ReadHeader(reader, sizes));
  std::string_view frame = reader.Raw(reader.remaining());
  batch.body_ = std::make_unique_for_overwrite<char[]>(sizes.body);
  batch.body_size_ = sizes.body;
  batch.intents_size_ = sizes.intents;
  if (ZSTD_decompress(batch.body_.get(), sizes.body, frame.data(), frame.size()) != sizes.body)
    return Corrupt("its body can't be decompressed to the length it names");

  PENSTOCK_ASSIGN_OR_RETURN(batch.intents_, ReadIntents(batch.packed_intents(), sizes.records,
                                                        batch.header_.keeps_identity));
  ByteReader rest(std::string_view(batch.body_.get() + sizes.intents, sizes.body - sizes.intents));
  size_t fields = batch.header_.fields.size();
  // Each label and value takes at least its length; so no wrong count makes us reserve much.
  if (uint64_t{sizes.records} * (fields + 1) * sizeof(uint32_t) > rest.remaining())
    return Corrupt("its body is shorter than its records");
  batch.labels_.reserve(sizes.records);
  for (uint32_t i = 0; i < sizes.records; ++i) batch.labels_.push_back(rest.Bytes());
  batch.values_.reserve(sizes.records * fields);
  for (size_t i = 0; i < sizes.records * fields && rest.ok(); ++i) {
    uint32_t length = rest.Int<uint32_t>();
    if (length == kAbsent) {
      batch.values_.emplace_back();
    } else {
      std::string_view raw = rest.Raw(length);
      batch.values_.push_back(length == 0 ? std::string_view(batch.body_.get(), 0) : raw);
    }
  }
  if (!rest.ok() || rest.remaining() != 0)
    return Corrupt("its labels and values do not fill its body");
  return batch;
}

std::string_view Batch::packed_intents() const {
  return {body_.get(), intents_size_};
}

std::optional<std::string_view> Batch::value(uint32_t record, uint16_t field) const {
  std::string_view slice = values_[record * header_.fields.size() + field];
  if (slice.data() == nullptr) return std::nullopt;
  return slice;
}

}  // namespace penstock

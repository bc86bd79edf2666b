#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/core/hash.h"
#include "services/common/core/uuid.h"
#include "services/common/model/operation.h"

// A batch: records of one operation that travel from an extractor to a loader together and are
// settled together. The byte layout stands in docs/formats.md, "Batch".
struct ZSTD_CCtx_s;

namespace penstock {

// A batch whose body is larger is refused; builders stop far below.
inline constexpr size_t kMaxBatchBody = size_t{256} << 20;

struct BatchId {
  Uuid run;
  uint32_t read = 0;
  uint64_t task = 0;
  uint32_t number = 0;  // dense per task, from 1
  friend auto operator<=>(const BatchId&, const BatchId&) = default;
  std::string ToString() const;  // "<run>/<read>/<task>/<number>", for logs
};

// Names the read that first emits a row of a key (docs/formats.md, "Hashes").
uint64_t EmissionOf(const Uuid& run, uint32_t read);

struct BatchField {
  std::vector<std::string> path;
  uint32_t pg_type = 0;  // type OID of the slices in PgBinary; 0 in JSON
};

struct BatchHeader {
  BatchId id;
  Operation operation = Operation::kUpsert;
  Encoding encoding = Encoding::kJson;
  bool keeps_identity = false;     // intents carry primary-key hash and identity: the sync removes
  bool adopted = false;            // taken as delivered: state settles it, and no loader gets it
  std::vector<BatchField> fields;  // identity fields only, for a removal
  std::vector<uint16_t> identity_fields;  // indexes into fields, in the Sync's order
};

// What state stores of a record when its batch begins. Views into the batch.
struct Intent {
  Hash128 key;
  uint64_t row = 0;  // 63 bits; of a removal: the row hash of the entry to be removed
  // Names the (run, read) that first emitted this row of this key; for idempotency keys.
  uint64_t emission = 0;
  uint64_t primary_key = 0;        // hash; 0 unless keeps_identity
  std::string_view identity = {};  // slices, each u32 length + bytes; empty unless keeps_identity
};

// Appends intents in their packed form (docs/formats.md, "Intents"), the same bytes in a batch and
// in state's table.
class IntentWriter {
 public:
  IntentWriter(std::string& out, bool keeps_identity)
      : out_(out), keeps_identity_(keeps_identity) {}
  void Add(const Intent& intent);

 private:
  std::string& out_;
  bool keeps_identity_;
};

// Reads packed intents; DATA_CORRUPT when they are cut short or longer than `count` records.
absl::StatusOr<std::vector<Intent>> ReadIntents(std::string_view packed, uint32_t count,
                                                bool keeps_identity);

// The slices of an intent's or entry's identity; DATA_CORRUPT when they are not `fields` many.
absl::StatusOr<std::vector<std::string_view>> ReadIdentity(std::string_view packed, size_t fields);

// Builds one batch. Reused for the next after Finish(). Not thread-safe.
class BatchBuilder {
 public:
  explicit BatchBuilder(BatchHeader layout);  // its id is set by Finish
  ~BatchBuilder();
  BatchBuilder(BatchBuilder&&) noexcept;
  BatchBuilder& operator=(BatchBuilder&&) noexcept;
  // Starts a record. `label` names the row for people (its primary key as JSON text).
  void BeginRecord(const Intent& intent, std::string_view label);
  // Then exactly one of these per field, in the order of the fields.
  void AddValue(std::string_view slice);
  void AddAbsent();  // the field is left out (on_null: omit); in PgBinary: NULL
  uint32_t records() const { return records_; }
  // Bytes of value slices so far: an estimate of the request's body.
  size_t value_bytes() const { return values_.size(); }
  // Bytes that go to state when the batch begins (intents), and back with refused records (labels).
  size_t overhead_bytes() const { return intents_.size() + labels_.size(); }
  // The encoded batch. Removes nothing from capacity, so that the next batch does not allocate.
  std::string Finish(const BatchId& id);

 private:
  struct FreeCompressor {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  BatchHeader header_;
  uint32_t records_ = 0;
  std::string intents_, labels_, values_;
  std::unique_ptr<ZSTD_CCtx_s, FreeCompressor> compressor_;
};

// A decoded batch; owns its bytes. Slices stay valid as long as it lives, also when it is moved.
class Batch {
 public:
  // DATA_CORRUPT on a wrong magic, version, length or checksum.
  static absl::StatusOr<Batch> Decode(std::string_view encoded);
  // Reads only the header, without decompressing or checking the body.
  static absl::StatusOr<BatchHeader> DecodeHeader(std::string_view encoded);

  const BatchHeader& header() const { return header_; }
  uint32_t size() const { return static_cast<uint32_t>(intents_.size()); }
  std::string_view packed_intents() const;  // for Begin
  const Intent& intent(uint32_t record) const { return intents_[record]; }
  std::string_view label(uint32_t record) const { return labels_[record]; }
  // nullopt: absent.
  std::optional<std::string_view> value(uint32_t record, uint16_t field) const;

 private:
  BatchHeader header_;
  std::unique_ptr<char[]> body_;
  size_t body_size_ = 0, intents_size_ = 0;
  std::vector<Intent> intents_;
  std::vector<std::string_view> labels_;
  std::vector<std::string_view> values_;  // records x fields; data() == nullptr: absent
};

}  // namespace penstock

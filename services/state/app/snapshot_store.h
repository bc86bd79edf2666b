#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/extraction.pb.h"
#include "services/common/core/uuid.h"
#include "services/common/model/snapshot.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// Segment ids by level, base first.
using LevelIds = std::vector<std::vector<int64_t>>;

struct Manifest {
  int64_t id = 0;  // 0: nothing was delivered yet
  LevelIds levels;
  LevelIds deferrals;
};

// A snapshot's row; locked when `for_update`.
struct SnapshotRow {
  int64_t id = 0;
  uint64_t epoch = 0;
  uint64_t seed = 0;
  bool keeps_identity = false;
  uint64_t identity_fingerprint = 0;
  int64_t manifest = 0;
  bool adopts = false;  // the next whole read is taken as delivered
};
absl::StatusOr<SnapshotRow> LoadSnapshot(PgTransaction& tx, int64_t id, bool for_update);

absl::StatusOr<Manifest> LoadManifest(PgTransaction& tx, int64_t id);
// Stores a new manifest and makes it the snapshot's head. REQUIRES: the snapshot's row is locked.
absl::StatusOr<int64_t> SwapManifest(PgTransaction& tx, int64_t snapshot, const LevelIds& levels,
                                     const LevelIds& deferrals);

// Levels with all that a reader must know of their segments.
absl::StatusOr<std::vector<pb::Level>> DescribeLevels(PgTransaction& tx, const LevelIds& levels);

// `run`: whose log it was folded from; nullopt: it is merged of several.
absl::StatusOr<int64_t> StoreSegment(PgTransaction& tx, int64_t snapshot,
                                     const SegmentHeader& header, std::string_view bytes,
                                     const std::optional<Uuid>& run);
absl::StatusOr<std::string> LoadSegment(PgTransaction& tx, int64_t segment);
// One chunk, for streaming; empty past the end.
absl::StatusOr<std::string> LoadChunk(PgTransaction& tx, int64_t segment, int number);

// Reads the segments of a level one after the other. `tx` and `ids` must outlive it.
LevelSource SourceOf(PgTransaction& tx, const std::vector<int64_t>& ids);

// Until the transaction ends no manifest of the snapshot is deleted; for a read that pins its head.
absl::Status LockPins(PgTransaction& tx, int64_t snapshot);

// Deletes manifests that are neither a head nor named by a read of an active run, and segments that
// no manifest names.
absl::Status CollectGarbage(PgTransaction& tx, int64_t snapshot);

}  // namespace penstock::state

#include "services/state/app/snapshot_store.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "services/common/core/bytes.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"

namespace penstock::state {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

std::string ToText(const LevelIds& levels) {
  boost::json::array out;
  for (const auto& level : levels) out.push_back(boost::json::array(level.begin(), level.end()));
  return boost::json::serialize(out);
}

absl::StatusOr<LevelIds> FromText(std::string_view text) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse({text.data(), text.size()}, error);
  if (error || !parsed.is_array())
    return Error(ErrorCode::kDATA_CORRUPT, "a manifest's levels can't be read");
  LevelIds levels;
  for (const auto& level : parsed.get_array()) {
    levels.emplace_back();
    for (const auto& id : level.as_array()) levels.back().push_back(id.to_number<int64_t>());
  }
  return levels;
}

uint64_t ChecksumOf(std::string_view segment) {
  return ByteReader(segment.substr(segment.size() - sizeof(uint64_t))).Int<uint64_t>();
}

}  // namespace

absl::StatusOr<SnapshotRow> LoadSnapshot(PgTransaction& tx, int64_t id, bool for_update) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(absl::StrCat("SELECT epoch, seed, keeps_identity, identity_fingerprint, manifest, "
                           "adopts FROM snapshots WHERE id = $1",
                           for_update ? " FOR UPDATE" : ""),
              {id}));
  if (rows.empty())
    return Error(ErrorCode::kRESOURCE_NOT_FOUND, absl::StrCat("there is no snapshot ", id));
  return SnapshotRow{.id = id,
                     .epoch = rows.UInt(0, 0),
                     .seed = rows.UInt(0, 1),
                     .keeps_identity = rows.Bool(0, 2),
                     .identity_fingerprint = rows.UInt(0, 3),
                     .manifest = rows.Int(0, 4),
                     .adopts = rows.Bool(0, 5)};
}

absl::StatusOr<Manifest> LoadManifest(PgTransaction& tx, int64_t id) {
  Manifest manifest{.id = id, .levels = {}, .deferrals = {}};
  if (id == 0) return manifest;
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT levels::text, deferrals::text FROM manifests WHERE id = $1", {id}));
  if (rows.empty())
    return Error(ErrorCode::kDATA_CORRUPT, absl::StrCat("manifest ", id, " is gone"));
  PENSTOCK_ASSIGN_OR_RETURN(manifest.levels, FromText(rows.Text(0, 0)));
  PENSTOCK_ASSIGN_OR_RETURN(manifest.deferrals, FromText(rows.Text(0, 1)));
  return manifest;
}

absl::StatusOr<int64_t> SwapManifest(PgTransaction& tx, int64_t snapshot, const LevelIds& levels,
                                     const LevelIds& deferrals) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                            tx.Exec("INSERT INTO manifests (snapshot, levels, deferrals) "
                                    "VALUES ($1, $2::text::jsonb, $3::text::jsonb) RETURNING id",
                                    {snapshot, ToText(levels), ToText(deferrals)}));
  const int64_t id = rows.Int(0, 0);
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("UPDATE snapshots SET manifest = $2 WHERE id = $1", {snapshot, id}).status());
  return id;
}

absl::StatusOr<std::vector<pb::Level>> DescribeLevels(PgTransaction& tx, const LevelIds& levels) {
  std::vector<pb::Level> out;
  for (const std::vector<int64_t>& ids : levels) {
    PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                              tx.Exec("SELECT s.id, s.recipe, s.entries, s.bytes, s.checksum "
                                      "FROM unnest($1::bigint[]) WITH ORDINALITY AS i(id, "
                                      "position) JOIN segments s USING (id) "
                                      "ORDER BY i.position",
                                      {PgValue::Int8s(ids)}));
    if (rows.rows() != static_cast<int>(ids.size()))
      return Error(ErrorCode::kDATA_CORRUPT, "a manifest's segment is gone");
    pb::Level& level = out.emplace_back();
    for (int row = 0; row < rows.rows(); ++row) {
      pb::Segment& segment = *level.add_segments();
      segment.set_id(rows.UInt(row, 0));
      segment.set_recipe(rows.UInt(row, 1));
      segment.set_entries(static_cast<uint32_t>(rows.Int(row, 2)));
      segment.set_bytes(rows.UInt(row, 3));
      segment.set_checksum(rows.UInt(row, 4));
    }
  }
  return out;
}

absl::StatusOr<int64_t> StoreSegment(PgTransaction& tx, int64_t snapshot,
                                     const SegmentHeader& header, std::string_view bytes,
                                     const std::optional<Uuid>& run) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(
          "INSERT INTO segments (snapshot, kind, recipe, entries, bytes, checksum, run) VALUES "
          "($1, $2, $3, $4, $5, $6, $7) RETURNING id",
          {snapshot, static_cast<int>(header.kind), header.recipe, header.entries,
           static_cast<uint64_t>(bytes.size()), ChecksumOf(bytes), OrNull(run, pg_oid::kUuid)}));
  const int64_t id = rows.Int(0, 0);
  for (int number = 0; !bytes.empty(); ++number) {
    const std::string_view chunk = bytes.substr(0, kChunkBytes);
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("INSERT INTO chunks (segment, number, data) VALUES ($1, $2, $3)",
                {id, number, PgValue::Bytes(chunk)})
            .status());
    bytes.remove_prefix(chunk.size());
  }
  return id;
}

absl::StatusOr<std::string> LoadChunk(PgTransaction& tx, int64_t segment, int number) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT data FROM chunks WHERE segment = $1 AND number = $2", {segment, number}));
  return rows.empty() ? std::string() : std::string(rows.Text(0, 0));
}

absl::StatusOr<std::string> LoadSegment(PgTransaction& tx, int64_t segment) {
  std::string bytes;
  for (int number = 0;; ++number) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string chunk, LoadChunk(tx, segment, number));
    if (chunk.empty()) return bytes;
    bytes += chunk;
  }
}

LevelSource SourceOf(PgTransaction& tx, const std::vector<int64_t>& ids) {
  return [&tx, &ids, next = size_t{0}]() mutable -> absl::StatusOr<std::optional<std::string>> {
    if (next == ids.size()) return std::nullopt;
    PENSTOCK_ASSIGN_OR_RETURN(std::string bytes, LoadSegment(tx, ids[next++]));
    return bytes;
  };
}

namespace {

// Of advisory locks, so that who begins a read waits for the end of a merge and not for all of it.
int64_t PinLock(int64_t snapshot) {
  constexpr int64_t kPins = 0x70696e0000000000;
  return kPins + snapshot;
}

}  // namespace

absl::Status LockPins(PgTransaction& tx, int64_t snapshot) {
  return tx.Exec("SELECT pg_advisory_xact_lock_shared($1)", {PinLock(snapshot)}).status();
}

absl::Status CollectGarbage(PgTransaction& tx, int64_t snapshot) {
  // Pins that are being stored are waited for; those of later reads see the new head.
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("SELECT pg_advisory_xact_lock($1)", {PinLock(snapshot)}).status());
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("DELETE FROM manifests m WHERE m.snapshot = $1 AND m.id <> "
                                   "(SELECT manifest FROM snapshots WHERE id = $1) "
                                   "AND NOT EXISTS (SELECT 1 FROM reads d JOIN runs r ON r.id = "
                                   "d.run WHERE d.manifest = m.id AND r.state < 9)",
                                   {snapshot})
                               .status());
  return tx
      .Exec(
          "DELETE FROM segments s WHERE s.snapshot = $1 AND NOT EXISTS (SELECT 1 FROM manifests m, "
          "jsonb_array_elements(m.levels || m.deferrals) AS l (level), "
          "jsonb_array_elements(l.level) AS e (segment) "
          "WHERE m.snapshot = $1 AND e.segment::bigint = s.id)",
          {snapshot})
      .status();
}

}  // namespace penstock::state

#include "services/state/app/cluster_store.h"

#include <google/protobuf/util/time_util.h>

#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/member_store.h"
#include "services/state/app/proto_json.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;

constexpr int kMaxConcerns = 100;

// One row a Sync, by what is most urgent of it: a run that waits or does not move comes before the
// end of its last one. States: services/state/domain/run_machine.h.
constexpr const char* kConcerns = R"(
  WITH active AS (
    SELECT r.sync, r.id, r.state, r.error, r.parked_at,
           greatest(r.changed_at, (SELECT max(d.moved_at) FROM reads d WHERE d.run = r.id AND d.read = r.read),
                    (SELECT max(o.moved_at) FROM read_operations o WHERE o.run = r.id AND o.read = r.read)) AS moved_at
    FROM runs r WHERE r.type = 1 AND r.state BETWEEN 2 AND 8),
  concern AS (
    SELECT sync, 2 AS kind, coalesce(parked_at, moved_at) AS since, id AS run, error FROM active WHERE state = 8
    UNION ALL
    SELECT sync, 4, moved_at, id, error FROM active WHERE state <> 8 AND moved_at < now() - interval '10 minutes'
    UNION ALL
    SELECT s.name, 1, s.next_due, NULL, NULL FROM syncs s
    WHERE NOT s.paused AND s.next_due < now() - interval '1 minute' AND s.name NOT IN (SELECT sync FROM active)
    UNION ALL
    SELECT s.name, 3, last.ended_at, last.id, last.error FROM syncs s, LATERAL (
      SELECT r.id, r.state, r.ended_at, coalesce(r.error, r.notices->0) AS error FROM runs r
      WHERE r.sync = s.name AND r.type = 1 AND r.state BETWEEN 9 AND 11 ORDER BY r.id DESC LIMIT 1) last
    WHERE last.state <> 9),
  worst AS (
    SELECT DISTINCT ON (sync) * FROM concern ORDER BY sync, CASE kind WHEN 2 THEN 0 WHEN 4 THEN 1 WHEN 1 THEN 2 ELSE 3 END)
  SELECT sync, kind, since, run, error::text, count(*) OVER () FROM worst ORDER BY since, sync LIMIT $1)";

absl::Status LoadConcerns(PgTransaction& tx, v1::GetClusterStatusResponse& status) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows, tx.Exec(kConcerns, {kMaxConcerns}));
  for (int row = 0; row < rows.rows(); ++row) {
    v1::Concern& concern = *status.add_concerns();
    concern.set_sync(std::string(rows.Text(row, 0)));
    concern.set_kind(static_cast<v1::ConcernKind>(rows.Int(row, 1)));
    *concern.mutable_since_time() =
        google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(rows.Micros(row, 2));
    if (!rows.IsNull(row, 3)) concern.set_run_id(rows.GetUuid(row, 3).ToString());
    if (!rows.IsNull(row, 4))
      PENSTOCK_RETURN_IF_ERROR(FromJson(rows.Text(row, 4), *concern.mutable_error()));
    status.set_concerned_syncs(rows.Int(row, 5));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DescribeCluster(PgTransaction& tx, const pb::DescribeClusterRequest&,
                             pb::DescribeClusterResponse& response) {
  v1::GetClusterStatusResponse& status = *response.mutable_status();
  PENSTOCK_RETURN_IF_ERROR(LoadMembers(tx, status));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult counts,
      tx.Exec("SELECT (SELECT count(*) FROM syncs), (SELECT count(*) FROM syncs WHERE paused), "
              "(SELECT count(*) FROM runs WHERE state < 9)"));
  status.set_syncs(counts.Int(0, 0));
  status.set_paused_syncs(counts.Int(0, 1));
  status.set_active_runs(counts.Int(0, 2));
  return LoadConcerns(tx, status);
}

}  // namespace penstock::state

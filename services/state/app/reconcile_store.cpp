#include "services/state/app/reconcile_store.h"

#include <algorithm>

#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/delivery_store.h"
#include "services/state/app/explanation_store.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/run_store.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

constexpr int kDefaultPage = 50, kMaxPage = 1000;

// What the machine knows of a public state.
std::vector<int64_t> MachineStates(penstock::v1::RunState state) {
  using enum RunState;
  const auto of = [](std::initializer_list<RunState> states) {
    std::vector<int64_t> out;
    for (RunState s : states) out.push_back(static_cast<int64_t>(s));
    return out;
  };
  switch (state) {
    case penstock::v1::RUN_STATE_QUEUED:
      return of({kQueued});
    case penstock::v1::RUN_STATE_RUNNING:
      return of({kReading, kDelivering, kRemoving, kFinalizing, kParking});
    case penstock::v1::RUN_STATE_PARKED:
      return of({kParked});
    case penstock::v1::RUN_STATE_CANCELLING:
      return of({kCancelling});
    case penstock::v1::RUN_STATE_SUCCEEDED:
      return of({kSucceeded});
    case penstock::v1::RUN_STATE_PARTIAL:
      return of({kPartial});
    case penstock::v1::RUN_STATE_FAILED:
      return of({kFailed});
    case penstock::v1::RUN_STATE_CANCELLED:
      return of({kCancelled});
    case penstock::v1::RUN_STATE_SKIPPED:
      return of({kSkipped});
    default:
      return {};
  }
}

}  // namespace

absl::Status Reconcile(PgTransaction& tx, const pb::ReconcileRequest& request,
                       pb::ReconcileResponse& response) {
  if (!request.redis_incarnation().empty()) {
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE reads d SET redis_incarnation = $1 FROM runs r WHERE "
                                     "r.id = d.run AND r.read = d.read "
                                     "AND r.state BETWEEN 2 AND 4 AND d.redis_incarnation = ''",
                                     {request.redis_incarnation()})
                                 .status());
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("UPDATE tasks t SET state = 4 FROM runs r, reads d WHERE r.id "
                                     "= t.run AND r.read = t.read AND d.run = t.run "
                                     "AND d.read = t.read AND r.state BETWEEN 2 AND 4 AND t.state "
                                     "IN (2, 3) AND NOT d.closed "
                                     "AND d.redis_incarnation NOT IN ('', $1)",
                                     {request.redis_incarnation()})
                                 .status());
  }
  PENSTOCK_ASSIGN_OR_RETURN(const std::vector<Uuid> active, ActiveRuns(tx));
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<pb::RunFacts> facts, LoadFacts(tx, active));
  for (pb::RunFacts& one : facts) *response.add_facts() = std::move(one);
  return absl::OkStatus();
}

absl::Status ListRuns(PgTransaction& tx, const pb::ListRunsRequest& request,
                      pb::ListRunsResponse& response) {
  // One view of all: else a run that ends meanwhile is listed as over, without its successor.
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").status());
  // Ids are ordered by time, so a token is the last id of the page before.
  PgValue before = PgValue::Null(pg_oid::kUuid);
  if (!request.page_token().empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, Uuid::Parse(request.page_token()));
    before = PgValue(id);
  }
  std::vector<int64_t> states;
  for (int state : request.states()) {
    const auto more = MachineStates(static_cast<penstock::v1::RunState>(state));
    states.insert(states.end(), more.begin(), more.end());
  }
  const int size =
      request.page_size() <= 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(
          "SELECT id FROM runs WHERE ($1 = '' OR sync = $1) AND (cardinality($2::bigint[]) = 0 OR "
          "state = ANY ($2::bigint[])) AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
          {request.sync(), PgValue::Int8s(states), before, size}));
  std::vector<Uuid> ids;
  for (int row = 0; row < rows.rows(); ++row) ids.push_back(rows.GetUuid(row, 0));
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<pb::RunFacts> facts, LoadFacts(tx, ids));
  std::reverse(facts.begin(), facts.end());
  for (pb::RunFacts& one : facts) *response.add_runs() = std::move(*one.mutable_run());
  if (rows.rows() == size) response.set_next_page_token(ids.back().ToString());
  return absl::OkStatus();
}

absl::Status GetPlanSamples(PgTransaction& tx, const pb::GetPlanSamplesRequest& request,
                            pb::GetPlanSamplesResponse& response) {
  PENSTOCK_ASSIGN_OR_RETURN(const Uuid run, ResolveRun(tx, request.run_id()));
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(
          "SELECT operation, records, batch FROM plan_samples WHERE run = $1 ORDER BY operation",
          {run}));
  if (rows.empty()) {
    return Error(ErrorCode::kRESOURCE_NOT_FOUND,
                 "there is no plan of run " + run.ToString() +
                     "; plans are kept for an hour: run `penstock plan` again");
  }
  for (int row = 0; row < rows.rows(); ++row) {
    pb::PlanSample& sample = *response.add_samples();
    sample.set_operation(static_cast<uint32_t>(rows.Int(row, 0)));
    sample.set_records(rows.Int(row, 1));
    sample.set_batch(std::string(rows.Text(row, 2)));
  }
  pb::DescribeReadRequest read;
  read.set_run_id(std::string(run.raw()));
  read.set_read(1);
  pb::DescribeReadResponse described;
  PENSTOCK_RETURN_IF_ERROR(DescribeRead(tx, read, described));
  response.mutable_sync()->Swap(described.mutable_sync());
  response.mutable_connector()->Swap(described.mutable_connector());
  response.mutable_destination()->Swap(described.mutable_destination());
  response.set_epoch(described.epoch());
  PENSTOCK_ASSIGN_OR_RETURN(auto explanation, LoadExplanation(tx, run));
  if (explanation.has_value()) *response.mutable_explanation() = *std::move(explanation);
  return absl::OkStatus();
}

absl::Status DeleteExpired(PgTransaction& tx) {
  for (const char* sql : {
           "DELETE FROM plan_samples WHERE created_at < now() - interval '1 hour'",
           "DELETE FROM explanations WHERE created_at < now() - interval '1 hour'",
           "DELETE FROM rejected WHERE created_at < now() - interval '30 days'",
           "DELETE FROM snapshots p WHERE retired_at < now() - interval '30 days' AND NOT EXISTS ("
           "SELECT 1 FROM runs r WHERE r.snapshot = p.id AND r.state < 9)",
           "DELETE FROM members WHERE seen_at < now() - interval '10 minutes'",
           "DELETE FROM audit WHERE at < now() - interval '400 days'",
           "DELETE FROM runs r WHERE state >= 9 AND ended_at < now() - interval '90 days' AND id < "
           "coalesce("
           "(SELECT k.id FROM runs k WHERE k.sync = r.sync ORDER BY k.id DESC OFFSET 19 LIMIT 1), "
           "r.id)",
       }) {
    PENSTOCK_RETURN_IF_ERROR(tx.Exec(sql).status());
  }
  return absl::OkStatus();
}

}  // namespace penstock::state

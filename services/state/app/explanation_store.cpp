#include "services/state/app/explanation_store.h"

#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/rejected_store.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;

void SetMicros(int64_t us, google::protobuf::Timestamp& out) {
  out.set_seconds(us / 1'000'000);
  out.set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
}

// A merged segment no longer knows its runs; what it holds was delivered before it was made.
absl::Status AddDelivery(PgTransaction& tx, uint64_t segment, v1::Explanation& out) {
  if (segment == 0) return absl::OkStatus();
  out.set_delivered(true);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx.Exec("SELECT run, created_at FROM segments WHERE id = $1", {segment}));
  if (rows.empty()) return absl::OkStatus();
  if (!rows.IsNull(0, 0)) out.set_delivered_by(rows.GetUuid(0, 0).ToString());
  SetMicros(rows.Micros(0, 1), *out.mutable_delivered_before());
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreExplanation(PgTransaction& tx, const Uuid& run,
                              const penstock::internal::v1::ExplainedRow& row) {
  return tx
      .Exec(
          "INSERT INTO explanations (run, body) VALUES ($1, $2) "
          "ON CONFLICT (run) DO UPDATE SET body = excluded.body",
          {run, PgValue::Bytes(row.SerializeAsString())})
      .status();
}

absl::StatusOr<std::optional<v1::Explanation>> LoadExplanation(PgTransaction& tx, const Uuid& run) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT e.body, r.sync FROM explanations e JOIN runs r ON r.id = e.run "
              "WHERE e.run = $1",
              {run}));
  if (rows.empty()) return std::nullopt;
  penstock::internal::v1::ExplainedRow row;
  if (!row.ParseFromString(std::string(rows.Text(0, 0))))
    return Error(ErrorCode::kDATA_CORRUPT, "the explanation of run " + run.ToString());
  v1::Explanation out;
  out.set_verdict(row.verdict());
  out.set_primary_key(row.primary_key());
  if (row.has_problem()) *out.mutable_problem() = row.problem();
  out.set_in_doubt(row.in_doubt());
  out.set_by_other_mapping(row.by_other_recipe());
  out.set_tries(row.tries());
  if (row.next_try_us() > 0) SetMicros(row.next_try_us(), *out.mutable_next_try());
  PENSTOCK_RETURN_IF_ERROR(AddDelivery(tx, row.segment(), out));
  if (row.key().empty()) return out;
  PENSTOCK_ASSIGN_OR_RETURN(auto rejection,
                            FindRejection(tx, std::string(rows.Text(0, 1)), row.key()));
  if (rejection.has_value()) *out.mutable_rejection() = *std::move(rejection);
  return out;
}

}  // namespace penstock::state

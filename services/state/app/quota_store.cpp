#include "services/state/app/quota_store.h"

#include <algorithm>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/domain/quota.h"

namespace penstock::state {

namespace pb = penstock::internal::v1;

namespace {

// The database's time in milliseconds since 1970, once nobody else charges the account.
absl::StatusOr<int64_t> LockAccount(PgTransaction& tx, const std::string& account) {
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended('quota/' || $1, 0))", {account})
          .status());
  PENSTOCK_ASSIGN_OR_RETURN(
      const PgResult now,
      tx.Exec("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8", {}));
  return now.Int(0, 0);
}

absl::StatusOr<std::vector<QuotaSlice>> LoadSlices(PgTransaction& tx, const std::string& account,
                                                   const std::string& name, int64_t oldest) {
  PENSTOCK_RETURN_IF_ERROR(
      tx.Exec("DELETE FROM quota_use WHERE account = $1 AND name = $2 AND start_ms < $3",
              {account, name, oldest})
          .status());
  PENSTOCK_ASSIGN_OR_RETURN(
      const PgResult rows,
      tx.Exec("SELECT start_ms, used FROM quota_use WHERE account = $1 AND name = $2",
              {account, name}));
  std::vector<QuotaSlice> slices;
  for (int row = 0; row < rows.rows(); ++row)
    slices.push_back({rows.Int(row, 0), rows.Int(row, 1)});
  return slices;
}

}  // namespace

absl::Status ChargeQuota(PgTransaction& tx, const pb::ChargeQuotaRequest& in,
                         pb::ChargeQuotaResponse& out) {
  PENSTOCK_ASSIGN_OR_RETURN(const int64_t now, LockAccount(tx, in.account()));
  int64_t attempts = in.attempts();
  for (const pb::QuotaWindow& window : in.windows()) {
    if (window.requests() < 1 || window.per_ms() < 1 || in.attempts() < 1) {
      return Error(ErrorCode::kINVALID_REQUEST, "a quota's window and its attempts are over zero");
    }
    const QuotaWindow limit{window.requests(), window.per_ms()};
    PENSTOCK_ASSIGN_OR_RETURN(const std::vector<QuotaSlice> used,
                              LoadSlices(tx, in.account(), window.name(), OldestSlice(limit, now)));
    const QuotaRoom room = RoomIn(limit, used, now);
    attempts = std::min(attempts, room.attempts);
    out.add_used(1 - static_cast<double>(room.attempts) / static_cast<double>(limit.requests));
    if (room.wait_ms > out.wait_ms()) {
      out.set_wait_ms(room.wait_ms);
      out.set_window(window.name());
    }
  }
  out.set_attempts(attempts);
  if (attempts == 0) return absl::OkStatus();
  for (const pb::QuotaWindow& window : in.windows()) {
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec(
              "INSERT INTO quota_use VALUES ($1, $2, $3, $4) ON CONFLICT (account, name, start_ms) "
              "DO UPDATE SET used = quota_use.used + excluded.used",
              {in.account(), window.name(), SliceAt({window.requests(), window.per_ms()}, now),
               attempts})
            .status());
  }
  return absl::OkStatus();
}

}  // namespace penstock::state

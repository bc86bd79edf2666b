#include "services/state/app/rejected_store.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/core/utf8.h"
#include "services/common/model/operation.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/run_store.h"

namespace penstock::state {
namespace {

constexpr int kMaxPerRun = 10'000;
constexpr size_t kMaxText = 16 << 10;
constexpr int kDefaultPage = 50, kMaxPage = 1000;
constexpr std::string_view kSelectRecords =
    "SELECT id, run, sync, primary_key, operation, code, message, key, created_at FROM rejected ";

// A row of kSelectRecords.
penstock::v1::RejectedRecord ReadRecord(const PgResult& rows, int row) {
  penstock::v1::RejectedRecord record;
  record.set_run_id(rows.GetUuid(row, 1).ToString());
  record.set_sync(std::string(rows.Text(row, 2)));
  record.set_primary_key(std::string(rows.Text(row, 3)));
  const auto operation = static_cast<int>(rows.Int(row, 4));
  record.set_operation(
      operation == kInvalidRow ? "read" : std::string(Name(static_cast<Operation>(operation))));
  record.set_code(std::string(rows.Text(row, 5)));
  record.set_message(std::string(rows.Text(row, 6)));
  record.set_owner(std::string(Name(OwnerOf(ErrorCodeByName(record.code())))));
  record.set_key_hash(absl::BytesToHexString(Absl(rows.Text(row, 7))));
  record.mutable_time()->set_seconds(rows.Micros(row, 8) / 1'000'000);
  return record;
}

}  // namespace

absl::Status StoreProblems(PgTransaction& tx, const Uuid& run, int operation,
                           const RecordProblems& problems) {
  if (problems.empty()) return absl::OkStatus();
  std::vector<std::string> primary_keys, keys, codes, messages;
  for (const penstock::internal::v1::RecordProblem& problem : problems) {
    primary_keys.emplace_back(ClipText(problem.primary_key(), kMaxText));
    keys.push_back(absl::BytesToHexString(problem.key()));
    codes.push_back(problem.code());
    messages.emplace_back(ClipText(problem.message(), kMaxText));
  }
  return tx
      .Exec(
          "INSERT INTO rejected (run, sync, operation, primary_key, key, code, message) "
          "SELECT r.id, r.sync, $2, p.primary_key, decode(p.key, 'hex'), p.code, p.message "
          "FROM runs r, unnest($3::text[], $4::text[], $5::text[], $6::text[]) "
          "AS p (primary_key, key, code, message) WHERE r.id = $1 "
          "LIMIT $7 - (SELECT count(*) FROM (SELECT 1 FROM rejected WHERE run = $1 LIMIT $7) l)",
          {run, operation, PgValue::Texts(primary_keys), PgValue::Texts(keys),
           PgValue::Texts(codes), PgValue::Texts(messages), kMaxPerRun})
      .status();
}

absl::Status ListRejectedRecords(PgTransaction& tx,
                                 const penstock::internal::v1::ListRejectedRecordsRequest& request,
                                 penstock::internal::v1::ListRejectedRecordsResponse& response) {
  int64_t before = INT64_MAX;
  if (!request.page_token().empty()) {
    const std::string& token = request.page_token();
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), before);
    if (error != std::errc() || end != token.data() + token.size()) {
      return Error(ErrorCode::kINVALID_REQUEST, "page_token is not one that this API gave");
    }
  }
  PgValue run = PgValue::Null(pg_oid::kUuid);
  if (!request.run_id().empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, ResolveRun(tx, request.run_id()));
    run = PgValue(id);
  }
  const int size =
      request.page_size() <= 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(std::string(kSelectRecords) +
                  "WHERE id < $1 AND ($2 = '' OR sync = $2) AND ($3::uuid IS NULL OR run = $3) "
                  "ORDER BY id DESC LIMIT $4",
              {before, request.sync(), run, size}));
  for (int row = 0; row < rows.rows(); ++row) {
    *response.add_records() = ReadRecord(rows, row);
  }
  if (rows.rows() == size) response.set_next_page_token(absl::StrCat(rows.Int(rows.rows() - 1, 0)));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<penstock::v1::RejectedRecord>> FindRejection(PgTransaction& tx,
                                                                          const std::string& sync,
                                                                          std::string_view key) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec(std::string(kSelectRecords) + "WHERE sync = $1 AND key = $2 ORDER BY id DESC LIMIT 1",
              {sync, PgValue::Bytes(key)}));
  if (rows.empty()) return std::nullopt;
  return ReadRecord(rows, 0);
}

}  // namespace penstock::state

#include "services/state/app/delivery_store.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/read_resources.h"
#include "services/state/app/rejected_store.h"
#include "services/state/app/run_facts.h"
#include "services/state/domain/grants.h"

namespace penstock::state {
namespace {

constexpr uint32_t kMaxRecords = 1'000'000;
constexpr uint32_t kMaxGrantMs = 660'000;  // an attempt of ten minutes and its margin

bool IsValid(const pb::DeliverRequest& request) {
  return request.request_case() != pb::DeliverRequest::REQUEST_NOT_SET &&
         RefOf(request).run_id().size() == 16;
}

void Refuse(Refusal refusal, pb::DeliverResponse& response) {
  response.mutable_refused()->set_reason(static_cast<pb::Refused::Reason>(refusal));
}

}  // namespace

const pb::BatchRef& RefOf(const pb::DeliverRequest& request) {
  switch (request.request_case()) {
    case pb::DeliverRequest::kReport:
      return request.report().batch();
    case pb::DeliverRequest::kRelease:
      return request.release().batch();
    default:
      return request.begin().batch();
  }
}

struct DeliveryGroup::BatchRow {
  StoredGrant grant;
  int operation = 0;
  std::string outcomes;
  std::string unanswered;
  int64_t lost_grants = 0;
  int64_t begins = 0;
};

absl::Status DeliveryGroup::LockRuns(std::span<const pb::DeliverRequest> requests) {
  std::set<Uuid> ids;
  for (const pb::DeliverRequest& request : requests) {
    if (IsValid(request)) ids.insert(Uuid::FromRaw(RefOf(request).run_id()));
  }
  std::vector<std::string> texts;
  for (const Uuid& id : ids) texts.push_back(id.ToString());
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx_.Exec(absl::StrCat("SELECT r.id, r.state, r.read, coalesce(d.closed, true), "
                            "coalesce(d.max_in_flight, 0) FROM runs r "
                            "LEFT JOIN reads d ON d.run = r.id AND d.read = r.read "
                            "WHERE r.id = ANY ($1::text[]::uuid[]) ORDER BY r.id FOR SHARE OF r",
                            moving_ == Moving::kSkip ? " SKIP LOCKED" : ""),
               {PgValue::Texts(texts)}));
  std::vector<std::string> limited;
  for (int row = 0; row < rows.rows(); ++row) {
    const Uuid id = rows.GetUuid(row, 0);
    runs_[id] = {static_cast<RunState>(rows.Int(row, 1)), rows.Int(row, 2), rows.Bool(row, 3),
                 static_cast<uint32_t>(rows.Int(row, 4))};
    if (rows.Int(row, 4) > 0) limited.push_back(id.ToString());
  }
  std::vector<std::string> missing;
  for (const Uuid& id : ids) {
    if (!runs_.contains(id)) missing.push_back(id.ToString());
  }
  if (!missing.empty()) PENSTOCK_RETURN_IF_ERROR(FindSkipped(missing));
  if (limited.empty()) return absl::OkStatus();
  return tx_
      .Exec(
          "SELECT 1 FROM reads d JOIN runs r ON r.id = d.run AND r.read = d.read "
          "WHERE d.run = ANY ($1::text[]::uuid[]) ORDER BY d.run FOR NO KEY UPDATE OF d",
          {PgValue::Texts(limited)})
      .status();
}

absl::StatusOr<uint32_t> DeliveryGroup::OpenGrants(const Uuid& run) {
  if (runs_.at(run).max_in_flight == 0) return 0;
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows, tx_.Exec("SELECT count(*) FROM batches WHERE run = $1 AND open", {run}));
  return static_cast<uint32_t>(rows.Int(0, 0));
}

absl::StatusOr<std::optional<DeliveryGroup::BatchRow>> DeliveryGroup::LoadBatch(
    const pb::BatchRef& ref) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx_.Exec("SELECT grant_no, owner, open, settled, operation, outcomes, unanswered, "
               "lost_grants, begins "
               "FROM batches WHERE run = $1 AND task = $2 AND number = $3 FOR UPDATE",
               {Uuid::FromRaw(ref.run_id()), ref.task_id(), ref.number()}));
  if (rows.empty()) return std::nullopt;
  return BatchRow{.grant = {.grant_no = static_cast<uint32_t>(rows.Int(0, 0)),
                            .owner = rows.UInt(0, 1),
                            .open = rows.Bool(0, 2),
                            .settled = rows.Bool(0, 3)},
                  .operation = static_cast<int>(rows.Int(0, 4)),
                  .outcomes = std::string(rows.Text(0, 5)),
                  .unanswered = std::string(rows.Text(0, 6)),
                  .lost_grants = rows.Int(0, 7),
                  .begins = rows.Int(0, 8)};
}

absl::Status DeliveryGroup::Begin(const pb::DeliverRequest& request,
                                  pb::DeliverResponse& response) {
  const pb::Begin& begin = request.begin();
  const pb::BatchRef& ref = begin.batch();
  const Uuid run_id = Uuid::FromRaw(ref.run_id());
  const auto run = runs_.find(run_id);
  if (run == runs_.end() || begin.records() == 0 || begin.records() > kMaxRecords) {
    Refuse(Refusal::kStale, response);
    return absl::OkStatus();
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult task,
      tx_.Exec("SELECT last_number FROM tasks WHERE id = $1 AND run = $2 AND read = $3",
               {ref.task_id(), run_id, ref.read()}));
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<BatchRow> stored, LoadBatch(ref));
  PENSTOCK_ASSIGN_OR_RETURN(const uint32_t open_grants, OpenGrants(run_id));
  const BeginFacts facts{.run = run->second.state,
                         .current_read = static_cast<uint32_t>(run->second.read),
                         .read_closed = run->second.closed,
                         .announced = task.empty() ? 0 : static_cast<uint32_t>(task.Int(0, 0)),
                         .batch = stored.has_value() ? std::optional(stored->grant) : std::nullopt,
                         .max_in_flight = run->second.max_in_flight,
                         .open_grants = open_grants};
  const BeginDecision decision = DecideBegin(facts, ref.read(), ref.number(), request.loader());
  if (decision.refusal != Refusal::kNone) {
    Refuse(decision.refusal, response);
    return absl::OkStatus();
  }
  const uint32_t length_ms = std::min(begin.length_ms(), kMaxGrantMs);
  if (!stored.has_value()) {
    PENSTOCK_RETURN_IF_ERROR(
        tx_.Exec("INSERT INTO batches (run, read, task, number, operation, records, "
                 "keeps_identity, intents, outcomes, "
                 "unanswered, owner, length_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
                 "$11, $12)",
                 {run_id, ref.read(), ref.task_id(), ref.number(), begin.operation(),
                  begin.records(), begin.keeps_identity(), PgValue::Bytes(begin.intents()),
                  PgValue::Bytes(std::string(begin.records(), '\0')),
                  PgValue::Bytes(std::string(BitBytes(begin.records()), '\0')), request.loader(),
                  length_ms})
            .status());
  } else {
    PENSTOCK_RETURN_IF_ERROR(tx_.Exec("UPDATE batches SET grant_no = $4, owner = $5, open = true, "
                                      "begins = begins + 1, length_ms = $6 "
                                      "WHERE run = $1 AND task = $2 AND number = $3",
                                      {run_id, ref.task_id(), ref.number(), decision.grant_no,
                                       request.loader(), length_ms})
                                 .status());
  }
  pb::Granted& granted = *response.mutable_granted();
  granted.set_grant_no(decision.grant_no);
  granted.set_length_ms(length_ms);
  if (stored.has_value()) {
    granted.set_outcomes(stored->outcomes);
    granted.set_unanswered(stored->unanswered);
    granted.set_lost_grants(static_cast<uint32_t>(stored->lost_grants));
  }
  return absl::OkStatus();
}

absl::Status DeliveryGroup::Report(const pb::DeliverRequest& request,
                                   pb::DeliverResponse& response) {
  const pb::Report& report = request.report();
  const pb::BatchRef& ref = report.batch();
  const Uuid run_id = Uuid::FromRaw(ref.run_id());
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<BatchRow> stored, LoadBatch(ref));
  if (!stored.has_value() || !GrantHolds(stored->grant, report.grant_no(), request.loader())) {
    // A report that was stored before, but whose answer was lost, comes again: its grant is over by
    // itself.
    Refuse(Refusal::kGrantOver, response);
    return absl::OkStatus();
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      const Settlement settlement,
      Settle(stored->outcomes, stored->unanswered, report.outcomes(), report.unanswered()));
  // What grants before this one left unanswered is over with them. An extended grant may be that of
  // two deliveries of one loader, of which only one reports now.
  const bool extended = stored->begins != stored->grant.grant_no;
  const bool answered = report.unanswered().find_first_not_of('\0') == std::string::npos;
  const bool closes = settlement.all_answered || (answered && !extended);
  PENSTOCK_RETURN_IF_ERROR(
      tx_.Exec("UPDATE batches SET outcomes = $4, unanswered = $5, settled = $6, open = $7, "
               "lost_grants = 0 "
               "WHERE run = $1 AND task = $2 AND number = $3",
               {run_id, ref.task_id(), ref.number(), PgValue::Bytes(settlement.outcomes),
                PgValue::Bytes(settlement.unanswered), settlement.settled, !closes})
          .status());
  OutcomeCounts& counts = counters_[{run_id, ref.read(), stored->operation}];
  for (size_t i = 0; i < counts.by_outcome.size(); ++i)
    counts.by_outcome[i] += settlement.added.by_outcome[i];
  PENSTOCK_RETURN_IF_ERROR(StoreProblems(tx_, run_id, stored->operation, report.problems()));
  response.mutable_ack();
  return absl::OkStatus();
}

absl::Status DeliveryGroup::Release(const pb::DeliverRequest& request,
                                    pb::DeliverResponse& response) {
  const pb::BatchRef& ref = request.release().batch();
  const Uuid run_id = Uuid::FromRaw(ref.run_id());
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<BatchRow> stored, LoadBatch(ref));
  if (!stored.has_value() ||
      !GrantHolds(stored->grant, request.release().grant_no(), request.loader())) {
    Refuse(Refusal::kGrantOver, response);
    return absl::OkStatus();
  }
  // A batch of which nothing was ever sent has not begun: its row goes, and with it the doubt. Else
  // what earlier grants left stays.
  const bool untouched = stored->outcomes.find_first_not_of('\0') == std::string::npos &&
                         stored->unanswered.find_first_not_of('\0') == std::string::npos;
  PENSTOCK_RETURN_IF_ERROR(
      tx_.Exec(untouched
                   ? "DELETE FROM batches WHERE run = $1 AND task = $2 AND number = $3"
                   : "UPDATE batches SET open = false WHERE run = $1 AND task = $2 AND number = $3",
               {run_id, ref.task_id(), ref.number()})
          .status());
  // A run that is cancelled or parked waits for its last open grant.
  counters_.try_emplace({run_id, ref.read(), stored->operation});
  response.mutable_ack();
  return absl::OkStatus();
}

absl::Status DeliveryGroup::AddCounters() {
  std::set<Uuid> touched;
  for (const auto& [key, counts] : counters_) {
    const auto& [run, read, operation] = key;
    PENSTOCK_RETURN_IF_ERROR(
        tx_.Exec(
               "UPDATE read_operations SET delivered = delivered + $4, unchanged = unchanged + $5, "
               "skipped = skipped + $6, rejected = rejected + $7, in_doubt = in_doubt + $8, "
               "moved_at = now() "
               "WHERE run = $1 AND read = $2 AND operation = $3",
               {run, read, operation, counts.of(Outcome::kDelivered),
                counts.of(Outcome::kUnchanged), counts.of(Outcome::kSkipped),
                counts.of(Outcome::kRejected), counts.of(Outcome::kUnknown)})
            .status());
    touched.insert(run);
  }
  for (const Uuid& run : touched) {
    PENSTOCK_ASSIGN_OR_RETURN(
        PgResult rows,
        tx_.Exec(
            "SELECT 1 FROM runs r WHERE r.id = $1 AND (r.state NOT IN (2, 3, 4) OR NOT EXISTS ("
            "SELECT 1 FROM read_operations o WHERE o.run = r.id AND o.read = r.read AND announced "
            "+ truncated <> "
            "delivered + o.unchanged + o.skipped + rejected + in_doubt + withdrawn))",
            {run}));
    if (!rows.empty()) PENSTOCK_RETURN_IF_ERROR(NotifyRun(tx_, run));
  }
  return absl::OkStatus();
}

absl::Status DeliveryGroup::FindSkipped(const std::vector<std::string>& missing) {
  if (moving_ == Moving::kWaitFor) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows,
                            tx_.Exec("SELECT id FROM runs WHERE id = ANY ($1::text[]::uuid[])",
                                     {PgValue::Texts(missing)}));
  for (int row = 0; row < rows.rows(); ++row) skipped_.insert(rows.GetUuid(row, 0));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::optional<pb::DeliverResponse>>> DeliveryGroup::Answer(
    std::span<const pb::DeliverRequest> requests) {
  PENSTOCK_RETURN_IF_ERROR(LockRuns(requests));
  std::vector<std::optional<pb::DeliverResponse>> responses;
  responses.reserve(requests.size());
  for (const pb::DeliverRequest& request : requests) {
    std::optional<pb::DeliverResponse>& answer = responses.emplace_back();
    if (IsValid(request) && skipped_.contains(Uuid::FromRaw(RefOf(request).run_id()))) continue;
    pb::DeliverResponse& response = answer.emplace();
    response.set_ticket(request.ticket());
    if (!IsValid(request)) {
      Refuse(Refusal::kStale, response);
      continue;
    }
    absl::Status status;
    switch (request.request_case()) {
      case pb::DeliverRequest::kBegin:
        status = Begin(request, response);
        break;
      case pb::DeliverRequest::kReport:
        status = Report(request, response);
        break;
      default:
        status = Release(request, response);
        break;
    }
    PENSTOCK_RETURN_IF_ERROR(status);
  }
  PENSTOCK_RETURN_IF_ERROR(AddCounters());
  return responses;
}

absl::Status DescribeRead(PgTransaction& tx, const pb::DescribeReadRequest& request,
                          pb::DescribeReadResponse& response) {
  if (request.run_id().size() != 16)
    return Error(ErrorCode::kINVALID_REQUEST, "run_id has 16 bytes");
  const Uuid run = Uuid::FromRaw(request.run_id());
  PENSTOCK_ASSIGN_OR_RETURN(ReadResources resources, LoadReadResources(tx, run, request.read()));
  PENSTOCK_ASSIGN_OR_RETURN(PgResult rows, tx.Exec("SELECT epoch FROM runs WHERE id = $1", {run}));
  *response.mutable_sync() = std::move(resources.sync);
  *response.mutable_destination() = std::move(resources.destination);
  *response.mutable_connector() = std::move(resources.connector);
  response.set_epoch(rows.UInt(0, 0));
  return absl::OkStatus();
}

}  // namespace penstock::state

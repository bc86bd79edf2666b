#include "services/state/app/schedule_store.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "services/common/convert/resources.h"
#include "services/common/core/clock.h"
#include "services/common/core/status.h"
#include "services/common/model/schedule.h"
#include "services/common/pg/pg_connection.h"
#include "services/state/app/run_store.h"

namespace penstock::state {
namespace {

namespace v1 = penstock::v1;
using std::chrono::microseconds;

// A schedule that was checked when it was applied can fail later only for a zone that is gone.
constexpr microseconds kAskAgain = std::chrono::hours(1);

PgValue Time(const std::optional<WallTime>& time) {
  return time.has_value() ? PgValue(static_cast<double>(time->time_since_epoch().count()))
                          : PgValue::Null(pg_oid::kFloat8);
}

// The columns every_us, cron, timezone of a row.
Schedule TimedSchedule(const PgResult& rows, int row, int column) {
  const std::string cron(rows.Text(row, column + 1));
  if (!cron.empty()) return CronSchedule{cron, std::string(rows.Text(row, column + 2))};
  const microseconds every(rows.Int(row, column));
  if (every == microseconds(0)) return std::monostate();
  return EverySchedule{std::chrono::duration_cast<milliseconds>(every)};
}

absl::Status StoreTimes(PgTransaction& tx, const std::string& name, const Schedule& schedule,
                        bool queues) {
  PENSTOCK_ASSIGN_OR_RETURN(PgResult stored,
                            tx.Exec("SELECT every_us, cron, timezone, clock_timestamp() FROM syncs "
                                    "WHERE name = $1 FOR UPDATE",
                                    {name}));
  const WallTime now{microseconds(stored.Micros(0, 3))};
  PENSTOCK_ASSIGN_OR_RETURN(const std::optional<WallTime> next, NextDue(schedule, now));
  PENSTOCK_ASSIGN_OR_RETURN(const Duration interval, LongestInterval(schedule, now));
  const auto* every = std::get_if<EverySchedule>(&schedule);
  const auto* cron = std::get_if<CronSchedule>(&schedule);
  const bool same = TimedSchedule(stored, 0, 0) == schedule;
  return tx
      .Exec(
          "UPDATE syncs SET every_us = $2, cron = $3, timezone = $4, queues = $5, next_due = "
          "CASE WHEN $6 AND next_due IS NOT NULL THEN next_due ELSE to_timestamp($7::float8 / "
          "1000000) END, interval_us = $8 WHERE name = $1",
          {name, every == nullptr ? int64_t{0} : microseconds(every->every).count(),
           cron == nullptr ? "" : cron->cron,
           cron == nullptr ? CronSchedule().timezone : cron->timezone, queues, same, Time(next),
           std::chrono::duration_cast<microseconds>(interval).count()})
      .status();
}

// The number of a parent that counts for one who comes after it, in SQL; 0 for one that is not
// there.
constexpr const char* kNumber =
    "coalesce(CASE WHEN c.accept_partial THEN p.delivered_no ELSE p.succeeded_no END, 0)";

absl::Status StoreParents(PgTransaction& tx, const std::string& name, const AfterSchedule& after) {
  const PgValue parents = PgValue::Texts(after.syncs);
  PENSTOCK_RETURN_IF_ERROR(tx.Exec("DELETE FROM sync_parents WHERE sync = $1 AND NOT (parent = ANY "
                                   "($2::text[]) AND accept_partial = $3)",
                                   {name, parents, after.accept_partial})
                               .status());
  return tx
      .Exec(absl::StrCat("INSERT INTO sync_parents (sync, parent, accept_partial, seen) "
                         "SELECT $1, c.parent, c.accept_partial, ",
                         kNumber,
                         " FROM (SELECT unnest($2::text[]) AS parent, $3::boolean AS "
                         "accept_partial) c LEFT JOIN syncs p ON p.name = c.parent "
                         "ON CONFLICT (sync, parent) DO NOTHING"),
            {name, parents, after.accept_partial})
      .status();
}

absl::Status ClaimTimes(PgTransaction& tx, int limit, std::vector<Uuid>& created) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult due,
      tx.Exec("SELECT every_us, cron, timezone, name, next_due, queues, now() FROM "
              "syncs WHERE next_due <= now() AND NOT paused ORDER BY next_due LIMIT $1 "
              "FOR UPDATE SKIP LOCKED",
              {limit}));
  for (int row = 0; row < due.rows(); ++row) {
    DueRun run{.sync = std::string(due.Text(row, 3)),
               .trigger = "schedule",
               .scheduled_us = due.Micros(row, 4),
               .queues = due.Bool(row, 5)};
    const WallTime now{microseconds(due.Micros(row, 6))};
    absl::StatusOr<std::optional<WallTime>> next = NextDue(TimedSchedule(due, row, 0), now);
    if (!next.ok()) {
      run.fault = Error(ErrorCode::kINVALID_RESOURCE,
                        absl::StrCat("spec.schedule has no due time: ", next.status().message(),
                                     "; it is looked at again in an hour"));
      next = now + kAskAgain;
    }
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec("UPDATE syncs SET next_due = to_timestamp($2::float8 / 1000000) WHERE name = $1",
                {run.sync, Time(*next)})
            .status());
    PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, CreateDueRun(tx, run));
    created.push_back(id);
  }
  return absl::OkStatus();
}

// Marks what all parents of the Sync have done as seen; false when one of them has done nothing
// new.
absl::StatusOr<bool> TakeParents(PgTransaction& tx, const std::string& name) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult taken,
      tx.Exec(absl::StrCat("WITH ends AS (SELECT c.parent, c.seen, ", kNumber,
                           " AS number FROM sync_parents c LEFT JOIN syncs p ON p.name = c.parent "
                           "WHERE c.sync = $1) "
                           "UPDATE sync_parents c SET seen = e.number FROM ends e WHERE c.sync = "
                           "$1 AND c.parent = e.parent AND (SELECT bool_and(number > seen) FROM "
                           "ends)"),
              {name}));
  return taken.affected() > 0;
}

absl::Status ClaimAfter(PgTransaction& tx, int limit, std::vector<Uuid>& created) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult ready,
      tx.Exec(absl::StrCat(
                  "SELECT s.name FROM syncs s WHERE NOT s.paused AND s.name IN (SELECT c.sync FROM "
                  "sync_parents c LEFT JOIN syncs p ON p.name = c.parent GROUP BY c.sync "
                  "HAVING bool_and(",
                  kNumber, " > c.seen)) ORDER BY s.name LIMIT $1 FOR UPDATE OF s SKIP LOCKED"),
              {limit}));
  for (int row = 0; row < ready.rows(); ++row) {
    const DueRun run{.sync = std::string(ready.Text(row, 0)), .trigger = "after"};
    // Whoever held the row before may have started it; now that it is locked, what is seen stays.
    PENSTOCK_ASSIGN_OR_RETURN(const bool busy, HasUnfinishedRun(tx, run.sync));
    if (busy) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const bool taken, TakeParents(tx, run.sync));
    if (!taken) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const Uuid id, CreateDueRun(tx, run));
    created.push_back(id);
  }
  return absl::OkStatus();
}

void SetTime(const PgResult& rows, int row, int column,
             google::protobuf::Timestamp* (v1::DueTimes::*mutable_time)(), v1::DueTimes& due) {
  if (rows.IsNull(row, column)) return;
  const int64_t us = rows.Micros(row, column);
  google::protobuf::Timestamp* time = (due.*mutable_time)();
  time->set_seconds(us / 1'000'000);
  time->set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
}

}  // namespace

absl::Status StoreSchedule(PgTransaction& tx, const penstock::v1::Sync& sync) {
  const std::string& name = sync.metadata().name();
  const Schedule schedule = FromProto(sync.schedule());
  PENSTOCK_RETURN_IF_ERROR(
      StoreTimes(tx, name, schedule, sync.overlap() == penstock::v1::OVERLAP_QUEUE));
  const auto* after = std::get_if<AfterSchedule>(&schedule);
  return StoreParents(tx, name, after == nullptr ? AfterSchedule() : *after);
}

absl::Status RenameParent(PgTransaction& tx, const std::string& from, const std::string& to) {
  return tx.Exec("UPDATE sync_parents SET parent = $2 WHERE parent = $1", {from, to}).status();
}

absl::StatusOr<std::vector<Uuid>> ClaimDue(PgTransaction& tx, int limit) {
  std::vector<Uuid> created;
  PENSTOCK_RETURN_IF_ERROR(ClaimTimes(tx, limit, created));
  PENSTOCK_RETURN_IF_ERROR(ClaimAfter(tx, limit, created));
  return created;
}

absl::StatusOr<std::optional<int64_t>> MillisecondsToNextDue(PgTransaction& tx) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT (extract(epoch FROM min(next_due) - now()) * 1000)::bigint FROM syncs "
              "WHERE NOT paused"));
  return rows.IsNull(0, 0) ? std::nullopt : std::optional(std::max<int64_t>(0, rows.Int(0, 0)));
}

absl::Status AddDueTimes(PgTransaction& tx,
                         google::protobuf::RepeatedPtrField<v1::Resource>& resources) {
  std::map<std::string, v1::DueTimes*> by_name;
  std::vector<std::string> names;
  for (v1::Resource& resource : resources) {
    if (!resource.has_sync()) continue;
    names.push_back(resource.sync().metadata().name());
    by_name[names.back()] = resource.mutable_due();
  }
  if (names.empty()) return absl::OkStatus();
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult times,
      tx.Exec("SELECT name, (SELECT max(scheduled_at) FROM runs WHERE sync = name), "
              "next_due FROM syncs WHERE name = ANY ($1::text[])",
              {PgValue::Texts(names)}));
  for (int row = 0; row < times.rows(); ++row) {
    v1::DueTimes& due = *by_name[std::string(times.Text(row, 0))];
    SetTime(times, row, 1, &v1::DueTimes::mutable_last, due);
    SetTime(times, row, 2, &v1::DueTimes::mutable_next, due);
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult missing,
      tx.Exec(
          absl::StrCat("SELECT c.sync, c.parent FROM sync_parents c LEFT JOIN syncs p ON p.name "
                       "= c.parent WHERE c.sync = ANY ($1::text[]) AND ",
                       kNumber, " <= c.seen ORDER BY c.sync, c.parent"),
          {PgValue::Texts(names)}));
  for (int row = 0; row < missing.rows(); ++row)
    by_name[std::string(missing.Text(row, 0))]->add_waits_for(std::string(missing.Text(row, 1)));
  return absl::OkStatus();
}

}  // namespace penstock::state

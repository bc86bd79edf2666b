#include "services/common/obs/catalogue.h"

#include <array>

namespace penstock {
namespace {

using enum MetricKind;

// From a task of milliseconds to one of hours.
const std::vector<double> kTaskBuckets = {0.01, 0.03, 0.1, 0.3, 1,    3,   10,
                                          30,   60,   180, 600, 1800, 3600};
// Runs may wait longer than they work.
const std::vector<double> kRunBuckets = {0.01, 0.03, 0.1, 0.3,  1,    3,     10,   30,
                                         60,   180,  600, 1800, 3600, 10800, 43200};

const MetricSpec kState[] = {
    {kCounter, "penstock_runs_total", "Runs that ended, plans aside.", {"sync", "state"}},
    {kCounter,
     "penstock_run_failures_total",
     "Runs that ended as FAILED or PARTIAL, by the error's code and who must act; "
     "RECORDS_NOT_DELIVERED where records were rejected, in doubt or withdrawn and nothing else "
     "happened.",
     {"sync", "code", "owner"}},
    {kHistogram,
     "penstock_run_seconds",
     "Time of runs that ended, plans aside: late from the due time until the start, queued until "
     "the start, running until the end.",
     {"stage"},
     kRunBuckets},
    {kGauge, "penstock_runs", "Runs that have not ended, by the state of the machine.", {"state"}},
    {kGauge,
     "penstock_sync_info",
     "Always 1; what the Sync joins, and those of its labels that --metric-labels lists, as "
     "label_NAME.",
     {"sync", "model", "source", "destination", "account", "mode", "schedule"}},
    {kGauge, "penstock_sync_paused", "1 while the Sync is paused, else 0.", {"sync"}},
    {kGauge,
     "penstock_sync_created_timestamp_seconds",
     "When the Sync was first applied.",
     {"sync"}},
    {kGauge,
     "penstock_sync_last_success_timestamp_seconds",
     "When a run of the Sync last succeeded.",
     {"sync"}},
    {kGauge,
     "penstock_sync_fresh_timestamp_seconds",
     "When the newest read of the Sync's model that reached its destination whole began.",
     {"sync"}},
    {kGauge,
     "penstock_sync_schedule_interval_seconds",
     "Longest time between two of the Sync's coming due times, or of those of the Syncs it "
     "comes after; absent without a schedule.",
     {"sync"}},
    {kGauge,
     "penstock_sync_next_due_timestamp_seconds",
     "Due time that waits for a planner or is to come; absent while paused or unscheduled.",
     {"sync"}},
    {kGauge,
     "penstock_sync_run_start_timestamp_seconds",
     "When the Sync's active run began; absent when there is none.",
     {"sync"}},
    {kGauge,
     "penstock_sync_progress_timestamp_seconds",
     "When the Sync's active run last moved: state, rows read or records settled; absent when "
     "there is none.",
     {"sync"}},
    {kGauge,
     "penstock_sync_parked_timestamp_seconds",
     "Since when the Sync's run is parked, for what and who must act; absent when it is not.",
     {"sync", "reason", "owner"}},
    {kGauge,
     "penstock_sync_pending_records",
     "Backlog: records that were announced and have no outcome yet.",
     {"sync"}},
    {kGauge,
     "penstock_sync_delivered_rows",
     "Records that the destination may hold of the Sync, at most.",
     {"sync"}},
    {kGauge,
     "penstock_sync_rejected_records",
     "Records of the Sync's newest run with any that were rejected or can't be sent.",
     {"sync", "code", "owner"}},
    {kGauge, "penstock_grants_open", "Grants that are open."},
    {kCounter,
     "penstock_leases_lost_total",
     "Leases of tasks and grants of batches that ran out without a word of their holder.",
     {"kind"}},
    {kGauge, "penstock_database_connections", "The pool's connections.", {"state"}},
    {kGauge, "penstock_database_waiting", "Work that waits for a connection to the database."},
    {kHistogram, "penstock_database_seconds",
     "Time of one transaction on a connection, waiting for one aside."},
    {kGauge, "penstock_database_size_bytes", "Size of the database on its disk."},
    {kGauge, "penstock_schema_version", "Newest migration that the database has."},
    {kGauge,
     "penstock_instances",
     "Processes that reported within the last 30 s.",
     {"service", "version"}},
};

const MetricSpec kPlanner[] = {
    {kGauge, "penstock_task_tickets", "Tickets of waiting tasks in Redis."},
    {kGauge,
     "penstock_backlog_batches",
     "Batches that wait in Redis for a Destination, or are being sent.",
     {"destination"}},
    {kGauge,
     "penstock_backlog_bytes",
     "Bytes of batches that wait in Redis for a Destination, or are being sent.",
     {"destination"}},
    {kGauge, "penstock_redis_memory_used_bytes", "Memory that Redis uses."},
    {kGauge, "penstock_redis_memory_limit_bytes", "Memory that Redis may use; 0: no limit."},
    {kGauge,
     "penstock_calls_waiting",
     "Calls, and runs that wait for a test of their destination, for which no worker of that "
     "service is reachable.",
     {"service"}},
    {kGauge, "penstock_watch_streams", "Open streams of callers that watch runs."},
};

const MetricSpec kExtractor[] = {
    {kGauge, "penstock_extractor_tasks_active", "Tasks that are worked on."},
    {kGauge, "penstock_extractor_tasks_limit", "Tasks that may be worked on at once."},
    {kHistogram,
     "penstock_extractor_task_seconds",
     "Time from a task's lease to its end, by what came of it.",
     {"kind", "result"},
     kTaskBuckets},
    {kCounter,
     "penstock_extractor_rows_total",
     "Rows of reads that ended, by what the diff made of them.",
     {"sync", "result"}},
    {kGauge, "penstock_extractor_spool_bytes", "Bytes of batches that wait on disk."},
    {kGauge, "penstock_extractor_spool_limit_bytes", "Bytes of batches that may wait on disk."},
    {kGauge, "penstock_extractor_cache_bytes", "Bytes of segments that are kept on disk."},
    {kGauge, "penstock_extractor_cache_limit_bytes", "Bytes of segments that may be kept on disk."},
    {kCounter,
     "penstock_extractor_segments_total",
     "Segments that a read needed: found on disk, or fetched from state.",
     {"result"}},
    {kCounter,
     "penstock_warehouse_seconds_total",
     "Time for which a read's query was open.",
     {"source"}},
    {kCounter,
     "penstock_warehouse_bytes_total",
     "Bytes that warehouses sent, as the driver gave them.",
     {"source"}},
    {kCounter,
     "penstock_warehouse_queries_total",
     "Reads that warehouses were asked for.",
     {"source"}},
};

const MetricSpec kLoader[] = {
    {kCounter,
     "penstock_records_total",
     "Records that got their outcome.",
     {"sync", "operation", "outcome"}},
    {kCounter,
     "penstock_loader_attempts_total",
     "Attempts to send a request, by what came of it; code is empty for answered ones.",
     {"destination", "result", "code"}},
    {kCounter,
     "penstock_loader_sent_bytes_total",
     "Bytes of batches, decoded, for which a request was attempted.",
     {"destination"}},
    {kHistogram,
     "penstock_loader_stage_seconds",
     "Where the time of batches goes: lane (waits for its turn: breaker, retries, quota, "
     "concurrency), grant (asks state), attempt (the request), report (state stores the "
     "outcomes).",
     {"stage"}},
    {kGauge, "penstock_loader_lane_limit", "Requests that may be in flight.", {"destination"}},
    {kGauge, "penstock_loader_lane_in_flight", "Requests in flight.", {"destination"}},
    {kGauge, "penstock_loader_lane_waiting", "Requests that wait.", {"destination"}},
    {kGauge,
     "penstock_loader_lane_round_trip_seconds",
     "Running mean of a request's round trip.",
     {"destination"}},
    {kGauge,
     "penstock_loader_lane_breaker_state",
     "0 closed, 1 open, 2 half-open.",
     {"destination"}},
    {kGauge, "penstock_loader_lane_retries", "Retries under way.", {"destination"}},
    {kCounter,
     "penstock_loader_lane_retry_overflow_total",
     "Retries put off because too many were under way.",
     {"destination"}},
    {kCounter,
     "penstock_loader_throttled_seconds_total",
     "Time for which a lane with requests to send was held back, by what: its quotas, its "
     "concurrency, its "
     "breaker, or the destination's own Retry-After.",
     {"destination", "by"}},
    {kGauge,
     "penstock_quota_used_ratio",
     "Part of a quota of the account that is used up, from 0 to 1, as this loader last saw it.",
     {"account", "quota"}},
    {kGauge,
     "penstock_quota_limit",
     "Size of the quota: requests, records or bytes in its window.",
     {"account", "quota"}},
    {kGauge,
     "penstock_quota_window_seconds",
     "Length of the quota's window.",
     {"account", "quota"}},
    {kGauge, "penstock_loader_memory_bytes", "Encoded bytes of batches in memory."},
    {kGauge, "penstock_loader_memory_limit_bytes",
     "Encoded bytes of batches that may be in memory."},
};

const MetricSpec kRedisUsers[] = {
    {kHistogram, "penstock_redis_command_seconds", "Round trip of a command to Redis."},
    {kCounter, "penstock_redis_errors_total", "Commands that Redis did not answer, or refused."},
};

const MetricSpec kCallersOfState[] = {
    {kGauge, "penstock_clock_offset_seconds",
     "This process's clock minus the database's, as last compared."},
};

const MetricSpec kEvery[] = {
    {kGauge,
     "penstock_build_info",
     "Always 1; the labels are the release and the commit it was built of.",
     {"version", "revision"}},
    {kGauge, "penstock_ready", "1 while the check of readiness passes, else 0.", {"check"}},
    {kCounter, "penstock_log_lines_total", "Lines of the log.", {"level"}},
    {kGauge, "penstock_memory_limit_bytes",
     "Memory that the process may use: its control group's limit, or else the machine's memory."},
    {kCounter, "penstock_metric_series_folded_total",
     "Times that a value was counted under the label value other, for its family was full."},
    {kHistogram,
     "penstock_rpc_seconds",
     "Served gRPC calls by method and code; of a stream, its whole length.",
     {"method", "code"}},
    {kGauge,
     "penstock_tls_certificate_expiry_timestamp_seconds",
     "When the certificate ends: of the server, or what is shown to other services.",
     {"use"}},
    {kCounter,
     "penstock_tls_reload_failures_total",
     "Changed TLS files that were refused; those before stay in force.",
     {"use"}},
    {kCounter, "penstock_tls_handshakes_refused_total", "Handshakes that the gRPC server refused."},
    {kCounter, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds."},
    {kGauge, "process_max_fds", "Maximum number of open file descriptors."},
    {kGauge, "process_open_fds", "Number of open file descriptors."},
    {kGauge, "process_resident_memory_bytes", "Resident memory size in bytes."},
    {kGauge, "process_start_time_seconds",
     "Start time of the process since the Unix epoch in seconds."},
    {kGauge, "process_virtual_memory_bytes", "Virtual memory size in bytes."},
};

const MetricGroup kGroups[] = {
    {"State",
     "Gauges are what the database says, brought up to date every five seconds; each replica of "
     "state tells the same, so take the `max` over them. Counters and histograms count what this "
     "replica stored, so take the `sum`. Series of a Sync that is deleted go.",
     kState},
    {"Planner",
     "Each planner measures the same Redis: take the `max`, but of what waits or is open at a "
     "planner the `sum`.",
     kPlanner},
    {"Extractor", "", kExtractor},
    {"Loader",
     "What a quota or lane holds back is told by each loader: take the `sum` of counters, of "
     "ratios and limits the `max`.",
     kLoader},
    {"Planner, extractor and loader: Redis", "", kRedisUsers},
    {"Planner, extractor and loader: state", "", kCallersOfState},
    {"Every service", "", kEvery},
};

}  // namespace

std::string_view Name(ServiceKind service) {
  constexpr std::array<std::string_view, 4> kNames = {"state", "planner", "extractor", "loader"};
  return kNames[static_cast<size_t>(service)];
}

std::span<const MetricGroup> MetricCatalogue() {
  return kGroups;
}

std::vector<MetricSpec> MetricsOf(ServiceKind service) {
  std::vector<MetricSpec> all(std::begin(kEvery), std::end(kEvery));
  const auto add = [&all](std::span<const MetricSpec> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  switch (service) {
    case ServiceKind::kState:
      add(kState);
      return all;
    case ServiceKind::kPlanner:
      add(kPlanner);
      break;
    case ServiceKind::kExtractor:
      add(kExtractor);
      break;
    case ServiceKind::kLoader:
      add(kLoader);
      break;
  }
  add(kRedisUsers);
  add(kCallersOfState);
  return all;
}

}  // namespace penstock

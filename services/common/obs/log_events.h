#pragma once

#include <string_view>

namespace penstock {

struct LogEventDoc {
  std::string_view name;
  std::string_view what;
};

// Every event of the log: docs/logs.md is made of this list, and a name that is not in it does not
// compile.
inline constexpr LogEventDoc kLogEvents[] = {
    // Every service
    {"serving", "The service takes calls; `port`, `admin_port`, `version`."},
    {"draining", "A signal came: the service takes no new work and ends."},
    {"drain_cut", "The grace period ended before the work did; it is done elsewhere."},
    {"insecure_listen", "The service is open to the network without TLS, for --insecure said so."},
    {"tls_files_read", "Certificate, key or authorities are in force; `use`, `names`, `expiry`."},
    {"tls_files_refused", "Changed TLS files are wrong; what was read before stays in force."},
    {"tls_names_missing", "The server's certificate has no name that a client could look for."},
    {"tls_handshake_refused", "A connection to the gRPC server failed at its handshake; `reason`."},
    {"peer_unreachable", "Why a service that this one calls can't be reached; `service`."},
    {"log_level_changed", "Somebody on this host changed what is logged, until the process ends."},
    {"grpc", "What the gRPC library has to say; `file`, `line`."},
    {"clocks_apart", "This machine's clock and the database's are apart; `offset_seconds`."},
    // Runs, in every service that works on one: `run`, `sync`
    {"run_moved", "State stored that a run is in another `state`."},
    {"transition_failed", "A planner could not move a run; the next look finds what is to do."},
    {"ticket_failed", "A task waits without its ticket, until it is found by asking."},
    {"destination_tested", "The destination of a parked run was tried."},
    {"task_begun", "An extractor works on a task of a run; `kind`, `read`, `task`."},
    {"task_done", "A task is done."},
    {"task_failed", "A task is given up; `error_code` and `owner` say why and who must act."},
    {"fail_task_failed", "State was not told that a task is given up; its lease runs out."},
    {"heartbeat_failed", "A task's lease was not renewed; it is tried again."},
    {"delivery_begun", "A loader met the first batch of a read; `read`, `destination`."},
    {"batch_delivered", "A batch was settled or put back; `batch`, `records`, `open`."},
    {"batch_corrupt",
     "A batch can't be read and was dropped from the queue; the read is made anew."},
    // Planner
    {"reconcile_failed", "A planner could not look over all runs."},
    {"restored", "Somebody declared the database restored: all that was delivered is in doubt."},
    {"api_tokens_read", "The file of the API's tokens has changed and was read."},
    {"api_tokens_kept", "The file of the API's tokens can't be used; those before stay in force."},
    // Extractor
    {"lease_failed", "No task could be asked for."},
    // Loader
    {"account_parked", "The runs of an account wait; the message says for what."},
    {"park_failed", "State was not told to park an account; it is tried again."},
    {"lane_resumed", "A lane that was parked sends again."},
    {"quota_unknown", "Quotas can't be asked for, so nothing is sent."},
    {"slots_unknown", "Slots of concurrency can't be asked for, so nothing is sent."},
    {"queue_away", "Redis does not say what waits."},
    {"take_failed", "A batch could not be taken from Redis; it is tried again."},
    {"settle_failed", "A settled batch is left in Redis; it is claimed and found settled."},
    {"read_unknown", "State does not say what a batch belongs to; the batch waits."},
    {"state_away", "State can't store or permit now; the batch waits."},
    {"deliver_stream_ended", "The stream to state ended; a new one asks anew."},
    {"connection_not_usable", "A Destination can't be used as it is; its runs are parked."},
    {"refresh_failed", "A Destination's connection could not be read anew; the old one is kept."},
    // State
    {"database_not_usable", "PostgreSQL is away, lacks a right or has another schema."},
    {"sweep_failed", "Leases and grants could not be looked at."},
    {"gauges_failed", "Metrics of runs and Syncs are out of date."},
    {"member_report_failed", "This replica is not in the list of processes."},
    {"merge_failed", "Levels of a snapshot were not merged; it is tried again."},
    {"expiry_failed", "What has expired was not deleted; it is tried again."},
    {"delivery_group_failed", "A group of begins and reports failed; each is tried alone."},
    {"delivery_not_stored", "A begin or report was not stored; the loader asks again."},
    {"watch_failed", "Those who watch runs were not told how they stand."},
};

// The name of an event in the list above.
class LogEvent {
 public:
  consteval LogEvent(const char* name) : name_(name) {  // NOLINT: names are written in place
    bool known = false;
    for (const LogEventDoc& event : kLogEvents) known = known || event.name == name_;
    if (!known) throw "the event is not in kLogEvents";
  }
  constexpr std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

}  // namespace penstock

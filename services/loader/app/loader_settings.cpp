#include "services/loader/app/loader_settings.h"

namespace penstock::loader {

void LoaderSettings::AddTo(ServiceConfig& config) {
  process.AddTo(config);
  serve.AddTo(config);
  peer_tls.AddTo(config);
  state.AddTo(config);
  redis.AddTo(config);
  config.Add("secrets-dir", &secrets_dir, "Directory of files that ${secret:NAME} names.");
  config.Add("attempt-timeout", &attempt_timeout,
             "Length of one attempt to send a request, unless the connector names another.");
  config.Add("connect-timeout", &connect_timeout, "Part of it for name, TCP and TLS.");
  config.Add("grant-margin", &grant_margin,
             "How much longer than an attempt a permission to send is asked for.");
  config.Add("claim-idle", &claim_idle,
             "A batch that its loader has not touched for so long is taken over.");
  config.Add("poll-interval", &poll_interval,
             "How often the queue is looked at when nothing is announced.");
  config.Add("connection-refresh", &connection_refresh,
             "How old a destination's connection and secrets may be.");
  config.Add("retry-base", &retry_base, "Longest wait before the first retry; it doubles.");
  config.Add("retry-cap", &retry_cap, "Longest wait before any retry.");
  config.Add("breaker-open", &breaker_open,
             "How long a destination that failed in a row is left alone; it doubles.");
  config.Add("park-after-failing", &park_after_failing,
             "After so long without any answer the account's runs are parked.");
  config.Add("park-for", &park_for, "Until a parked destination is tried again.");
  config.Add("destination-batches", &destination_batches,
             "Most batches of one destination in memory.");
  config.Add("destination-memory", &destination_memory,
             "Most encoded bytes of one destination's batches in memory.");
  config.Add("total-memory", &total_memory,
             "Most encoded bytes of batches in memory; destinations share it evenly.");
  config.Add("initial-concurrency", &initial_concurrency,
             "Requests in flight at first to a destination; it adapts.");
  config.Add("max-concurrency", &max_concurrency, "Most requests in flight to one destination.");
  config.Add("postgres-sessions", &postgres_sessions, "Sessions with one PostgreSQL destination.");
}

}  // namespace penstock::loader

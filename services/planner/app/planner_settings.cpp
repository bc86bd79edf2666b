#include "services/planner/app/planner_settings.h"

namespace penstock::planner {

void PlannerSettings::AddTo(ServiceConfig& config) {
  process.AddTo(config);
  serve.AddTo(config);
  peer_tls.AddTo(config);
  state.AddTo(config);
  redis.AddTo(config);
  config.Add("extractors", &extractors,
             "Addresses of the extractors, to describe models and try sources.");
  config.Add("extractors-tls-name", &extractors_tls_name,
             "Name to expect in their certificates instead of that in --extractors.");
  config.Add("loaders", &loaders,
             "Addresses of the loaders, to try destinations and render plans.");
  config.Add("loaders-tls-name", &loaders_tls_name,
             "Name to expect in their certificates instead of that in --loaders.");
  config.Add("worker-wait", &worker_wait,
             "How long a call waits for an extractor or loader when none is reachable.");
  config.Add("reconcile-interval", &reconcile_interval,
             "How often all runs are looked over for what a lost message left behind.");
  config.Add("test-interval", &test_interval,
             "How long after a failed test a destination that is down is tried again.");
  config.Add("read-backoff", &read_backoff,
             "First wait before a run reads anew after a fruitless read; it doubles.");
  config.Add(
      "api-token-file", &api_token_file,
      "Bearer tokens that open the public API, one a line, as TOKEN or NAME:TOKEN; read again "
      "when it changes.");
}

}  // namespace penstock::planner

#include "services/planner/app/planner_settings.h"

namespace penstock::planner {

void PlannerSettings::AddTo(ServiceConfig& config) {
  process.AddTo(config);
  serve.AddTo(config);
  state.AddTo(config);
  redis.AddTo(config);
  config.Add("extractors", &extractors,
             "Addresses of the extractors, to describe models and try sources.");
  config.Add("loaders", &loaders,
             "Addresses of the loaders, to try destinations and render plans.");
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
  config.Add("insecure", &insecure,
             "Serve the public API beyond loopback without TLS, or to anyone.");
}

}  // namespace penstock::planner

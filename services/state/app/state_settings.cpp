#include "services/state/app/state_settings.h"

namespace penstock::state {

void StateServiceSettings::AddTo(ServiceConfig& config) {
  process.AddTo(config);
  serve.AddTo(config);
  config.Add("database", &database,
             "PostgreSQL to keep the truth in, as a libpq URI or connection string.");
  config.Add("database-password-file", &database_password_file,
             "File with the password, instead of one in --database; read at every connection.");
  config.Add("database-connections", &database_connections,
             "Connections to it, each with a thread.");
  config.Add("lease", &lease,
             "Length of a task's lease; an extractor that is silent for longer loses the task.");
  config.Add(
      "grant-slack", &grant_slack,
      "How long beyond its length a lease or grant is seen unchanged before it is taken as lost.");
  config.Add("watch-interval", &watch_interval, "How often open leases and grants are looked at.");
  config.Add("metric-labels", &metric_labels,
             "Labels of Syncs that penstock_sync_info has, too, as label_NAME; a series each.");
}

}  // namespace penstock::state

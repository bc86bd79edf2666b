#include "services/extractor/app/extractor_settings.h"

namespace penstock::extractor {

void ExtractorSettings::AddTo(ServiceConfig& config) {
  process.AddTo(config);
  serve.AddTo(config);
  peer_tls.AddTo(config);
  state.AddTo(config);
  redis.AddTo(config);
  config.Add("secrets-dir", &secrets_dir,
             "Folder whose files are the secrets that ${secret:NAME} names.");
  config.Add("work-dir", &work_dir,
             "Folder for the spool and the cache of segments; its content is safe to lose.");
  config.Add("spool", &spool, "Most bytes of batches that wait on disk, over all tasks.");
  config.Add("cache", &cache, "Most bytes of segments that are kept on disk.");
  config.Add("tasks", &tasks, "Tasks at once.");
  config.Add("heartbeat", &heartbeat,
             "How often a task's lease is renewed; a third of its length at most.");
  config.Add("poll-interval", &poll_interval,
             "How often state is asked for a task without a ticket.");
  config.Add("backlog-bytes", &backlog, "Most bytes of batches that wait in Redis, in all.");
  config.Add("destination-backlog-bytes", &destination_backlog,
             "Most bytes of batches that wait in Redis for one destination.");
}

}  // namespace penstock::extractor

#include <cstdio>
#include <string>

#include "examples/crm/crm_api.h"
#include "examples/crm/http_server.h"
#include "fmt/format.h"
#include "services/common/config/service_config.h"
#include "services/common/core/status.h"

int main(int argc, char** argv) {
  std::string listen = "127.0.0.1:58080";
  penstock::crm::Access access{.token = penstock::Secret("demo-token"), .token_file = {}};
  std::string log_file;
  int requests_per_10s = 0;
  penstock::ServiceConfig config("penstock-example-crm",
                                 "A small CRM that takes and refuses what HubSpot does.");
  config.Add("listen", &listen, "Address to serve on; port 0 takes a free one.");
  config.Add("access-token", &access.token, "The token that callers must show.");
  config.Add("access-token-file", &access.token_file,
             "File with such tokens, one a line, read for every call.");
  config.Add("log-file", &log_file,
             "What is done to contacts, a JSON object a line; read again at the next start.");
  config.Add("requests-per-10s", &requests_per_10s,
             "More calls than this in ten seconds get status 429; 0 sets no limit.");
  if (std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
  penstock::crm::CrmApi api(access, requests_per_10s);
  absl::Status status;
  if (!log_file.empty()) status = api.KeepLog(log_file);
  if (status.ok()) status = penstock::crm::Serve(listen, api);
  if (status.ok()) return 0;
  fmt::print(stderr, "penstock-example-crm: {}\n", penstock::Std(status.message()));
  return 2;
}

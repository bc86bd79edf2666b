#include <cstdio>
#include <string>

#include "examples/crm/crm_api.h"
#include "examples/crm/http_server.h"
#include "fmt/format.h"
#include "services/common/config/service_config.h"
#include "services/common/core/status.h"

int main(int argc, char** argv) {
  std::string listen = "127.0.0.1:58080";
  penstock::Secret access_token("demo-token");
  int requests_per_10s = 0;
  penstock::ServiceConfig config("penstock-example-crm",
                                 "A small CRM that takes and refuses what HubSpot does.");
  config.Add("listen", &listen, "Address to serve on; port 0 takes a free one.");
  config.Add("access-token", &access_token, "The token that callers must show.");
  config.Add("requests-per-10s", &requests_per_10s,
             "More calls than this in ten seconds get status 429; 0 sets no limit.");
  if (std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
  penstock::crm::CrmApi api(access_token, requests_per_10s);
  absl::Status status = penstock::crm::Serve(listen, api);
  if (status.ok()) return 0;
  fmt::print(stderr, "penstock-example-crm: {}\n", penstock::Std(status.message()));
  return 2;
}

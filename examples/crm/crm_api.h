#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "examples/crm/batch_input.h"
#include "examples/crm/contact_log.h"
#include "examples/crm/contact_store.h"
#include "examples/crm/crm_stats.h"
#include "examples/crm/rate_limit.h"
#include "services/common/core/clock.h"
#include "services/common/core/secret.h"

namespace penstock::crm {

// Who may call: a token, or each line of a file, which is read for every call.
struct Access {
  Secret token;
  std::string token_file;
};

struct ApiRequest {
  std::string_view method;
  std::string_view target;  // path and query
  std::string_view authorization;
  std::string_view body;
};

struct ApiAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::optional<int> retry_after_s;
};

// The CRM's API:
//   POST /crm/v3/objects/contacts/batch/upsert, batch/read, batch/archive   as HubSpot's
// and, for people who compare, without a token:
//   GET  /contacts?format=count                     how many
//   GET  /contacts?format=lines&properties=a,b,c    all of them, one a line, sorted
//   GET  /stats                                     what was asked for since the last reset
//   POST /stats/reset
// Not thread-safe.
class CrmApi {
 public:
  CrmApi(Access access, int requests_per_10s)
      : access_(std::move(access)), rate_limit_(requests_per_10s) {}

  // Takes over what the log says, and adds to it from now on.
  absl::Status KeepLog(const std::string& path);

  ApiAnswer Answer(const ApiRequest& request, BootTime now);

 private:
  bool IsKnown(std::string_view authorization) const;
  ApiAnswer Batch(BatchCall call, const ApiRequest& request, BootTime now);
  ApiAnswer Upsert(const Inputs& batch);
  ApiAnswer Read(const Inputs& batch);
  ApiAnswer Archive(const Inputs& batch);
  ApiAnswer Contacts(std::string_view query) const;
  ApiAnswer Stats() const;

  const Access access_;
  RateLimit rate_limit_;
  ContactStore contacts_;
  CrmStats stats_;
  std::unique_ptr<ContactLog> log_;
};

}  // namespace penstock::crm

#pragma once

#include <cstdint>

namespace penstock::crm {

// What was asked for since the last reset.
struct CrmStats {
  struct Call {
    int64_t requests = 0;  // that were taken, in whole or in part
    int64_t records = 0;   // in them
  };
  Call upsert, read, archive;
  int64_t created = 0;
  int64_t updated = 0;
  int64_t archived = 0;
  int64_t records_refused = 0;   // one by one, in answers with status 207
  int64_t requests_refused = 0;  // as a whole: 400, 401, 404
  int64_t rate_limited = 0;
};

}  // namespace penstock::crm

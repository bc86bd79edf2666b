#include "services/loader/app/report_details.h"

#include "services/common/core/error_codes.h"
#include "services/common/model/key_bytes.h"

namespace penstock::loader {
namespace {

// A report is one message. State lists only so many refused records of a run anyway.
constexpr size_t kMaxDetailBytes = 4 << 20;

}  // namespace

std::vector<penstock::internal::v1::RecordProblem> ReportDetails(
    const Batch& batch, const std::map<uint32_t, RecordResult>& details) {
  std::vector<penstock::internal::v1::RecordProblem> problems;
  problems.reserve(details.size());
  size_t bytes = 0;
  for (const auto& [record, result] : details) {
    bytes += batch.label(record).size() + result.message.size() + sizeof(Hash128);
    if (bytes > kMaxDetailBytes) break;
    auto& problem = problems.emplace_back();
    problem.set_index(record);
    problem.set_primary_key(std::string(batch.label(record)));
    problem.set_code(std::string(Name(result.code)));
    problem.set_message(result.message);
    problem.set_key(KeyBytes(batch.intent(record).key));
  }
  return problems;
}

}  // namespace penstock::loader

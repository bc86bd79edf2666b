#include "services/loader/app/report_details.h"

#include "services/common/core/error_codes.h"

namespace penstock::loader {
namespace {

// A report is one message. State lists only so many refused records of a run anyway.
constexpr size_t kMaxDetailBytes = 4 << 20;

// The 16 bytes of a key as reports carry them, little-endian like docs/formats.md's integers.
std::string KeyBytes(const Hash128& key) {
  std::string out;
  for (const uint64_t part : {key.hi, key.lo}) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(part >> shift & 0xFF);
  }
  return out;
}

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

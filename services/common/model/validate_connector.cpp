#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/model/validate_report.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, 1> kNative = {"postgres"};
constexpr milliseconds kMaxTimeout = std::chrono::minutes(10);
// Far below what one reply of Redis may have.
constexpr uint64_t kMaxBatchBytes = 32 << 20;

bool Contains(std::span<const std::string_view> all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// RFC 6901: empty, or parts that each begin with a slash.
void ValidatePointer(const std::string& field, const std::string& pointer,
                     const ProblemReport& report) {
  if (!pointer.empty() && !pointer.starts_with('/'))
    report.Add(field, "\"" + pointer + "\" is no JSON pointer; write it like /results/0/id");
}

void ValidateStatuses(const std::string& field, const std::vector<int>& statuses,
                      const ProblemReport& report) {
  for (int status : statuses) {
    if (status < 100 || status > 599)
      report.Add(field, std::to_string(status) + " is no HTTP status; they go from 100 to 599");
  }
}

void ValidateResult(const std::string& field, const ResultSpec& result,
                    const ProblemReport& report) {
  ValidateStatuses(field + ".delivered_when", result.delivered_when, report);
  ValidatePointer(field + ".results", result.results, report);
  ValidatePointer(field + ".record", result.record, report);
  ValidatePointer(field + ".errors", result.errors, report);
  ValidatePointer(field + ".error_record", result.error_record, report);
  ValidatePointer(field + ".outcome", result.outcome, report);
  ValidatePointer(field + ".message", result.message, report);
  ValidatePointer(field + ".code", result.code, report);
  if (result.errors.empty() && !result.error_record.empty())
    report.Add(field + ".error_record", "points into the elements of errors, which is missing");
  if (!result.delivered_outcomes.empty() && result.outcome.empty())
    report.Add(field + ".delivered_outcomes", "are values of outcome, which is missing");
}

// Where results are looked for, and how records are told from one another in them.
void ValidateResults(const std::string& field, const OperationSpec& spec,
                     const ProblemReport& report) {
  const ResultSpec& result = spec.result;
  if (!result.results.empty()) return;
  if (spec.confirms != Confirms::kRecord) {
    if (!result.record.empty())
      report.Add(field + ".record", "points into the elements of results, which is missing");
  } else if (result.record.empty() && result.outcome.empty()) {
    report.Add(field,
               "confirms: record needs results, where the answer has what became of each "
               "record; or record or outcome, where the body itself is that array");
  }
}

void ValidateIdempotencyHeader(const std::string& field, const std::string& header,
                               const ProblemReport& report) {
  if (!header.empty() && !IsHeaderName(header))
    report.Add(field, "\"" + header + "\" is no header's name; use letters, digits and -");
}

void ValidateOperation(const std::string& field, const OperationSpec& spec,
                       const ObjectSpec& object, bool native, const Config* config,
                       const ProblemReport& report) {
  const uint32_t max_records = spec.batch.max_records;
  if (!native)
    ValidateRequest(field + ".request", spec.request, max_records, object.options, config, report);
  if (spec.batch.max_records == 0) report.Add(field + ".batch.max_records", "must be 1 or more");
  if (spec.batch.max_bytes == 0) report.Add(field + ".batch.max_bytes", "must be 1 or more");
  if (spec.batch.max_bytes > kMaxBatchBytes)
    report.Add(field + ".batch.max_bytes", "must be 32MiB or less; a batch lies whole in memory");
  ValidateResult(field + ".result", spec.result, report);
  if (!native) ValidateResults(field + ".result", spec, report);
  if (spec.resolve.has_value()) {
    const std::string resolve = field + ".resolve";
    ValidateRequest(resolve + ".request", spec.resolve->request, max_records, object.options,
                    config, report);
    ValidatePointer(resolve + ".records", spec.resolve->records, report);
    ValidatePointer(resolve + ".match", spec.resolve->match, report);
    ValidatePointer(resolve + ".id", spec.resolve->id, report);
  }
  ValidateStatuses(field + ".not_applied", spec.not_applied, report);
  ValidateIdempotencyHeader(field + ".idempotency_header", spec.idempotency_header, report);
  if (spec.timeout.has_value() && (*spec.timeout <= milliseconds(0) || *spec.timeout > kMaxTimeout))
    report.Add(field + ".timeout", "must be over zero and at most 10m");
}

}  // namespace

void ValidateObjects(const std::map<std::string, ObjectSpec>& objects, bool native,
                     const Config* config, const ProblemReport& report) {
  for (const auto& [name, object] : objects) {
    const std::string field = "spec.objects." + name;
    if (object.operations.empty())
      report.Add(field + ".operations", "is missing; an object needs at least one operation");
    for (const auto& [rule, normalisation] : object.normalise) {
      if (!object.identity.empty() &&
          std::find(object.identity.begin(), object.identity.end(), rule) == object.identity.end())
        report.Add(field + ".normalise." + rule, "is not among the object's identity fields");
    }
    for (const auto& [operation, spec] : object.operations)
      ValidateOperation(absl::StrCat(field, ".operations.", Absl(Name(operation))), spec, object,
                        native, config, report);
  }
}

void ValidateConnector(const Connector& connector, const ProblemReport& report) {
  const bool native = !connector.native.empty();
  if (native && !Contains(kNative, connector.native))
    report.Add("spec.native",
               "there is no built-in implementation \"" + connector.native + "\"; use postgres");
  if (!native && connector.encoding != Encoding::kJson)
    report.Add("spec.encoding", "only native connectors may have another encoding than json");
  if (!connector.base_url.empty()) ValidateBaseUrl("spec.base_url", connector.base_url, report);
  ValidateAuth("spec.auth.", connector.auth, report);
  ValidateQuotas(connector.quotas, report);
  if (!IsJsonText(connector.values.null)) report.Add("spec.values.null", "is not JSON");
  ValidateObjects(connector.objects, native, /*config=*/nullptr, report);
}

}  // namespace penstock

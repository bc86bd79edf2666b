#include <algorithm>
#include <array>
#include <set>

#include "services/common/core/nearest.h"
#include "services/common/model/auth.h"
#include "services/common/model/validate_report.h"

// Source, Model, Destination, and what connections have in common.
namespace penstock {
namespace {

constexpr std::array<std::string_view, 1> kSourceConnectors = {"postgres"};
constexpr std::string_view kEnvironmentPrefix = "PENSTOCK_SECRET_";

bool IsSecretName(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

void ValidateReference(const std::string& field, std::string_view inside,
                       const ProblemReport& report) {
  const std::string shown = "${" + std::string(inside) + "}";
  const size_t colon = inside.find(':');
  const std::string_view what = inside.substr(0, colon);
  const std::string_view name =
      colon == inside.npos ? std::string_view() : inside.substr(colon + 1);
  if (what != "secret" && what != "env") {
    report.Add(field, shown + " means nothing here; write ${secret:NAME} or " +
                          "${env:PENSTOCK_SECRET_NAME}");
  } else if (!IsSecretName(name)) {
    report.Add(field, shown + " needs a name of letters, digits, '-', '_' and '.'");
  } else if (what == "env" && !name.starts_with(kEnvironmentPrefix)) {
    report.Add(field, shown + " is refused: only variables whose names start with " +
                          std::string(kEnvironmentPrefix) + " may be named");
  }
}

}  // namespace

void ValidateSecretNames(const std::string& field, std::string_view text,
                         const ProblemReport& report) {
  for (size_t begin = text.find("${"); begin != text.npos; begin = text.find("${", begin)) {
    const size_t end = text.find('}', begin);
    if (end == text.npos) return report.Add(field, "has ${ without }");
    ValidateReference(field, text.substr(begin + 2, end - begin - 2), report);
    begin = end;
  }
}

void ValidateConfig(const Config& config, const ProblemReport& report) {
  for (const auto& [name, value] : config)
    ValidateSecretNames("spec.config." + name, value, report);
}

void ValidateBaseUrl(const std::string& field, std::string_view url, const ProblemReport& report) {
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  if (!http || url.find("//") + 2 == url.size())
    report.Add(field, "\"" + std::string(url) + "\" is no URL; write it like https://host/path");
}

void ValidateQuotas(const Quotas& quotas, const ProblemReport& report) {
  for (const auto& [name, quota] : quotas) {
    const std::string field = "spec.quotas." + name;
    if (!(quota.share > 0 && quota.share <= 1))
      report.Add(field + ".share", "must be over 0% and at most 100%");
    if (quota.concurrency < 0) report.Add(field + ".concurrency", "must be 1 or more");
    if (quota.concurrency != 0) {
      if (quota.requests != 0 || quota.per != milliseconds(0))
        report.Add(field,
                   "has concurrency beside requests or per; these are two limits, so give "
                   "each a name of its own");
      continue;
    }
    if (quota.requests < 1) report.Add(field + ".requests", "must be 1 or more");
    if (quota.per <= milliseconds(0))
      report.Add(field + ".per", "must be a duration over zero, like 10s");
  }
}

void ValidateSource(const Source& source, const ProblemReport& report) {
  if (report.Require("spec.connector", source.connector) &&
      std::find(kSourceConnectors.begin(), kSourceConnectors.end(), source.connector) ==
          kSourceConnectors.end()) {
    report.Add("spec.connector",
               "there is no source connector \"" + source.connector + "\"; use " + "postgres");
  }
  ValidateConfig(source.config, report);
}

void ValidateModel(const Model& model, const ProblemReport& report) {
  report.Require("spec.source", model.source);
  if (model.table.empty() && model.sql.empty())
    report.Add("spec", "needs one of table, sql, sql_file and dbt");
  if (!model.table.empty() && !model.sql.empty())
    report.Add("spec.sql", "stands beside table; keep one");
  if (model.primary_key.empty())
    report.Add("spec.primary_key", "is missing; name the columns that identify a row");
  std::set<std::string_view> seen;
  for (const std::string& column : model.primary_key) {
    if (column.empty()) report.Add("spec.primary_key", "names an empty column");
    if (!seen.insert(column).second)
      report.Add("spec.primary_key", "names \"" + column + "\" twice");
  }
}

void ValidateDestination(const Destination& destination, const ProblemReport& report) {
  report.Require("spec.connector", destination.connector);
  if (!destination.account.empty() && !IsDnsLabel(destination.account))
    report.Add("spec.account", "\"" + destination.account + "\" is no valid name; use lower-case " +
                                   "letters, digits and dashes, at most 63");
  ValidateConfig(destination.config, report);
  if (auto url = destination.config.find("base_url");
      url != destination.config.end() && url->second.find("${") == std::string::npos)
    ValidateBaseUrl("spec.config.base_url", url->second, report);
  ValidateQuotas(destination.quotas, report);
  if (!destination.objects.empty() && destination.connector != "http")
    report.Add("spec.objects",
               "objects may be given inline only with connector: http; apply a Connector instead");
  ValidateAuth("spec.config.auth.", OwnAuth(destination.config), report);
  ValidateObjects(destination.objects, /*native=*/false, &destination.config, report);
}

}  // namespace penstock

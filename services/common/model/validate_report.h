#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/model/validate.h"

namespace penstock {

// Collects what is wrong with one resource.
class ProblemReport {
 public:
  ProblemReport(const Resource& resource, std::vector<ResourceProblem>& out)
      : kind_(KindName(resource)), name_(MetadataOf(resource).name), out_(out) {}

  void Add(const std::string& field, std::string_view message,
           ErrorCode code = ErrorCode::kINVALID_RESOURCE) const {
    out_.push_back({kind_, name_, field, std::string(message), code});
  }
  void Missing(const std::string& field) const { Add(field, "is missing"); }
  // True when `value` is there.
  bool Require(const std::string& field, std::string_view value) const {
    if (value.empty()) Missing(field);
    return !value.empty();
  }

 private:
  std::string kind_;
  std::string name_;
  std::vector<ResourceProblem>& out_;
};

// The rules by kind; each file holds those of one.
void ValidateMetadata(const Metadata& meta, const ProblemReport& report);
void ValidateSource(const Source& source, const ProblemReport& report);
void ValidateModel(const Model& model, const ProblemReport& report);
void ValidateDestination(const Destination& destination, const ProblemReport& report);
void ValidateConnector(const Connector& connector, const ProblemReport& report);
void ValidateSync(const Sync& sync, const ProblemReport& report);
void ValidateMapping(const std::vector<FieldMapping>& mapping, const ProblemReport& report);
void ValidateSchedule(const Sync& sync, const ProblemReport& report);

// Parts that several kinds have.
void ValidateConfig(const Config& config, const ProblemReport& report);
// Of a connector, or of a Destination; `prefix` is where it stands ("spec.auth.").
void ValidateAuth(const std::string& prefix, const Config& auth, const ProblemReport& report);
// `options`: those that the object declares. `config`: the entries that a Destination gives; null
// for a Connector, whose Destinations give them.
void ValidateRequest(const std::string& field, const RequestTemplate& request, uint32_t max_records,
                     const std::map<std::string, bool>& options, const Config* config,
                     const ProblemReport& report);
// The references to secrets in a text: each must be one that a service resolves.
void ValidateSecretNames(const std::string& field, std::string_view text,
                         const ProblemReport& report);
void ValidateBaseUrl(const std::string& field, std::string_view url, const ProblemReport& report);
void ValidateQuotas(const Quotas& quotas, const ProblemReport& report);
void ValidateObjects(const std::map<std::string, ObjectSpec>& objects, bool native,
                     const Config* config, const ProblemReport& report);
// RFC 9110: what a header may be called.
bool IsHeaderName(std::string_view name);
// The parents of a Sync against those that there are, and whether they would ever start.
void CheckSchedule(const Sync& sync, const ResourceSet& all, const ProblemReport& report);
bool IsDnsLabel(std::string_view name);
bool IsJsonText(std::string_view text);

}  // namespace penstock

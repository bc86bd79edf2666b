#include "services/common/model/validate.h"

#include <boost/json/parse.hpp>

#include "services/common/model/validate_report.h"

namespace penstock {

void ValidateResource(const Resource& resource, std::vector<ResourceProblem>& problems) {
  const ProblemReport report(resource, problems);
  ValidateMetadata(MetadataOf(resource), report);
  struct Visitor {
    const ProblemReport& report;
    void operator()(const Source& r) const { ValidateSource(r, report); }
    void operator()(const Model& r) const { ValidateModel(r, report); }
    void operator()(const Destination& r) const { ValidateDestination(r, report); }
    void operator()(const Connector& r) const { ValidateConnector(r, report); }
    void operator()(const Sync& r) const { ValidateSync(r, report); }
  };
  std::visit(Visitor{report}, resource);
}

bool IsJsonText(std::string_view text) {
  boost::system::error_code error;
  boost::json::parse({text.data(), text.size()}, error);
  return !error;
}

std::vector<ResourceProblem> Validate(std::span<const Resource> resources, const ResourceSet& all) {
  std::vector<ResourceProblem> problems;
  for (const Resource& resource : resources) {
    ValidateResource(resource, problems);
    ValidateReferences(resource, all, problems);
  }
  return problems;
}

}  // namespace penstock

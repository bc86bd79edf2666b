#include "cli/resource_list.h"

#include <utility>

#include "cli/output.h"
#include "services/common/convert/resources.h"
#include "services/common/core/status.h"

namespace penstock::cli {
namespace {

constexpr int kPage = 500;

absl::StatusOr<Listed> Read(const v1::Resource& message) {
  PENSTOCK_ASSIGN_OR_RETURN(Resource resource, FromProto(message));
  return Listed{std::move(resource), message.due()};
}

}  // namespace

absl::StatusOr<Listed> GetResource(Session& session, const std::string& kind,
                                   const std::string& name) {
  v1::GetResourceRequest request;
  request.set_kind(kind);
  request.set_name(name);
  PENSTOCK_ASSIGN_OR_RETURN(
      auto found,
      session.Call(session.resources(), &v1::ResourceService::StubInterface::GetResource, request));
  return Read(found.resource());
}

absl::StatusOr<std::vector<Listed>> ListResources(Session& session, const std::string& kind,
                                                  const TextMap& labels,
                                                  std::chrono::milliseconds timeout) {
  std::vector<Listed> out;
  v1::ListResourcesRequest request;
  request.set_kind(kind);
  request.set_page_size(kPage);
  *request.mutable_labels() = labels;
  do {
    PENSTOCK_ASSIGN_OR_RETURN(
        auto page,
        session.Call(session.resources(), &v1::ResourceService::StubInterface::ListResources,
                     request, timeout));
    for (const v1::Resource& one : page.resources()) {
      PENSTOCK_ASSIGN_OR_RETURN(out.emplace_back(), Read(one));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

void PrintDocument(const Resource& resource, Format format, Defaults defaults) {
  const YamlValue document = ToDocument(resource, defaults);
  Print(format == Format::kYaml ? YamlText(document) : JsonText(document));
}

void PrintDocuments(const std::vector<Resource>& resources, Format format, Defaults defaults) {
  YamlValue list{.kind = YamlValue::Kind::kList};
  for (const Resource& resource : resources) list.items.push_back(ToDocument(resource, defaults));
  if (format != Format::kYaml) return Print(JsonText(list));
  for (const YamlValue& document : list.items) {
    if (&document != &list.items.front()) Print("---\n");
    Print(YamlText(document));
  }
}

}  // namespace penstock::cli

#include "services/planner/app/connection_test.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/convert/resources.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/rpc/client_call.h"

namespace penstock::planner {
namespace {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;
using ExtractorAsync = pb::ExtractorService::StubInterface::async_interface;
using LoaderAsync = pb::LoaderService::StubInterface::async_interface;

// A connection's own time-outs end before.
constexpr std::chrono::seconds kTest{60};

template <typename T>
absl::Status NotThere(std::string_view kind, const std::string& name,
                      const ResourceSet::ByName<T>& all) {
  std::vector<std::string_view> names;
  for (const auto& [known, resource] : all) names.push_back(known);
  return Error(ErrorCode::kRESOURCE_NOT_FOUND, absl::StrCat("there is no ", Absl(kind), " \"", name,
                                                            "\"", Absl(DidYouMean(name, names))));
}

asio::awaitable<absl::StatusOr<v1::TestConnectionResponse>> TestSource(const ResourcePeers& peers,
                                                                       const Source& source,
                                                                       ClientCallOptions options) {
  PENSTOCK_CO_RETURN_IF_ERROR(co_await peers.extractors->Reach(options.parent));
  options.unavailable = ErrorCode::kSOURCE_UNREACHABLE;
  pb::TestSourceRequest request;
  *request.mutable_source() = ToProto(source);
  co_return co_await CallUnary(peers.extractor->async(), &ExtractorAsync::TestSource, request,
                               options);
}

asio::awaitable<absl::StatusOr<v1::TestConnectionResponse>> TestDestination(
    const ResourcePeers& peers, const ResourceSet& all, const Destination& destination,
    ClientCallOptions options) {
  const Connector* connector = all.FindConnector(destination.connector);
  if (connector == nullptr)
    co_return NotThere("Connector", destination.connector, all.connectors());
  PENSTOCK_CO_RETURN_IF_ERROR(co_await peers.loaders->Reach(options.parent));
  options.unavailable = ErrorCode::kDESTINATION_UNREACHABLE;
  pb::TestDestinationRequest request;
  *request.mutable_destination() = ToProto(destination);
  *request.mutable_connector() = ToProto(EffectiveConnector(*connector, destination));
  for (const auto& [name, sync] : all.syncs()) {
    if (sync->destination == destination.meta.name) *request.add_syncs() = ToProto(*sync);
  }
  co_return co_await CallUnary(peers.loader->async(), &LoaderAsync::TestDestination, request,
                               options);
}

}  // namespace

asio::awaitable<absl::StatusOr<v1::TestConnectionResponse>> TestConnection(
    const ResourcePeers& peers, const v1::TestConnectionRequest& request, RpcContext context) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const std::vector<StoredResource> stored,
                               co_await LoadStored(peers, context));
  ResourceSet all;
  for (const StoredResource& one : stored) all.Add(one.resource);
  all.Add(BuiltinConnectors());
  const ClientCallOptions options{.timeout = kTest, .parent = std::move(context)};
  if (request.kind() == "Source") {
    const Source* source = all.FindSource(request.name());
    if (source == nullptr) co_return NotThere("Source", request.name(), all.sources());
    co_return co_await TestSource(peers, *source, options);
  }
  if (request.kind() == "Destination") {
    const Destination* destination = all.FindDestination(request.name());
    if (destination == nullptr)
      co_return NotThere("Destination", request.name(), all.destinations());
    co_return co_await TestDestination(peers, all, *destination, options);
  }
  co_return Error(
      ErrorCode::kINVALID_REQUEST,
      absl::StrCat("kind \"", request.kind(), "\" can't be tried; use Source or ", "Destination"));
}

}  // namespace penstock::planner

#include "services/planner/app/apply.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/config/resource_places.h"
#include "services/common/convert/resources.h"
#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/rpc/client_call.h"
#include "services/common/rpc/rpc_status.h"
#include "services/planner/app/apply_rules.h"

namespace penstock::planner {
namespace {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;
using StateAsync = pb::PlanningService::StubInterface::async_interface;
using ExtractorAsync = pb::ExtractorService::StubInterface::async_interface;
using LoaderAsync = pb::LoaderService::StubInterface::async_interface;

constexpr int kPage = 500;
// A task carries a Sync with all that it names in one message.
constexpr size_t kMaxResourceBytes = 512 << 10;
// Connecting to a warehouse and describing a model; the caller's deadline may be shorter.
constexpr std::chrono::seconds kDescribe{30};

// Empty: all are small enough.
std::vector<ResourceProblem> TooLarge(const v1::ApplyResourcesRequest& request,
                                      const std::vector<Resource>& declared) {
  std::vector<ResourceProblem> problems;
  for (size_t i = 0; i < declared.size(); ++i) {
    const size_t bytes = request.resources(static_cast<int>(i)).ByteSizeLong();
    if (bytes <= kMaxResourceBytes) continue;
    problems.push_back({std::string(KindName(declared[i])), MetadataOf(declared[i]).name, "",
                        absl::StrCat("it has ", bytes, " bytes, and a resource may have ",
                                     kMaxResourceBytes, "; split it, or shorten its texts"),
                        ErrorCode::kINVALID_RESOURCE});
  }
  return problems;
}

absl::Status Refused(const std::vector<ResourceProblem>& problems) {
  std::vector<FieldViolation> violations;
  for (const ResourceProblem& problem : problems)
    violations.push_back(
        {ViolationPath(problem.kind, problem.name, problem.field), problem.message});
  return BadRequestError(ErrorCode::kINVALID_RESOURCE, violations);
}

// STALE_REVISION when somebody else was quicker than who read a resource and applies it changed.
absl::Status CheckEtags(const v1::ApplyResourcesRequest& request,
                        const std::vector<Resource>& declared,
                        const std::vector<StoredResource>& stored) {
  for (size_t i = 0; i < declared.size(); ++i) {
    const std::string& etag = request.resources(static_cast<int>(i)).etag();
    if (etag.empty()) continue;
    const ApplyPlan::Id id = ApplyPlan::IdOf(declared[i]);
    const auto found = std::find_if(stored.begin(), stored.end(), [&](const StoredResource& one) {
      return ApplyPlan::IdOf(one.resource) == id;
    });
    if (found != stored.end() && found->etag == etag) continue;
    return Error(ErrorCode::kSTALE_REVISION,
                 absl::StrCat(id.first, " \"", id.second,
                              found == stored.end() ? "\" is gone" : "\" has changed",
                              " since it was read; read it again, or apply it without its etag"));
  }
  return absl::OkStatus();
}

ResourceProblem ToProblem(const pb::FieldProblem& problem) {
  return {problem.kind(), problem.name(), problem.field(), problem.message(),
          ErrorCodeByName(problem.code())};
}

// What is wrong with the connection is told of the Source, the rest of the Model.
ResourceProblem DescribeProblem(const ApplyPlan::ModelToDescribe& one, const absl::Status& status) {
  const ErrorCode code = CodeOf(status).value_or(ErrorCode::kINTERNAL);
  std::string message(status.message());
  if (code == ErrorCode::kINVALID_CONFIGURATION || code == ErrorCode::kSECRET_NOT_FOUND ||
      code == ErrorCode::kSOURCE_AUTHENTICATION_FAILED)
    return {"Source", one.source->meta.name, "spec.config", std::move(message), code};
  return {"Model", one.model->meta.name, one.model->sql.empty() ? "spec.table" : "spec.sql",
          std::move(message), code};
}

// One apply, from its request to its answer.
class Application {
 public:
  Application(const ResourcePeers& peers, ApplyPlan& plan, const v1::ApplyResourcesRequest& request,
              RpcContext context)
      : peers_(peers), plan_(plan), request_(request), options_{.parent = std::move(context)} {}

  asio::awaitable<absl::StatusOr<v1::ApplyResourcesResponse>> Run() {
    problems_ = plan_.Check();
    if (!problems_.empty()) co_return Refused(problems_);
    if (plan_.ChangesAnything()) {
      PENSTOCK_CO_RETURN_IF_ERROR(co_await DescribeModels());
      PENSTOCK_CO_RETURN_IF_ERROR(co_await CheckDeliveries());
      PENSTOCK_CO_RETURN_IF_ERROR(co_await LoadDelivered());
      verdict_ = CheckDelivered(plan_, delivered_, fingerprints_, request_.reset());
      for (ResourceProblem& problem : verdict_.problems) problems_.push_back(std::move(problem));
      if (!problems_.empty()) co_return Refused(problems_);
      PENSTOCK_TESTPOINT("planner.apply_checked");
      if (!request_.validate_only()) PENSTOCK_CO_RETURN_IF_ERROR(co_await Store());
    }
    co_return Answer();
  }

 private:
  asio::awaitable<absl::Status> DescribeModels() {
    const std::vector<ApplyPlan::ModelToDescribe> models = plan_.ModelsToDescribe();
    if (models.empty()) co_return absl::OkStatus();
    PENSTOCK_CO_RETURN_IF_ERROR(co_await peers_.extractors->Reach(options_.parent));
    ClientCallOptions options = options_;
    options.timeout = kDescribe;
    options.unavailable = ErrorCode::kSOURCE_UNREACHABLE;
    for (const ApplyPlan::ModelToDescribe& one : models) {
      pb::DescribeModelRequest request;
      *request.mutable_source() = ToProto(*one.source);
      *request.mutable_model() = ToProto(*one.model);
      for (const Sync* sync : one.syncs) {
        pb::SyncToCheck& check = *request.add_syncs();
        *check.mutable_sync() = ToProto(*sync);
        *check.mutable_connector() =
            ToProto(plan_.ConnectorOf(*plan_.after().FindDestination(sync->destination)));
      }
      auto described = co_await CallUnary(peers_.extractor->async(), &ExtractorAsync::DescribeModel,
                                          request, options);
      if (!described.ok()) {
        if (described.status().code() == absl::StatusCode::kUnavailable)
          co_return WithContext(described.status(),
                                absl::StrCat("Model \"", one.model->meta.name, "\""));
        problems_.push_back(DescribeProblem(one, described.status()));
        continue;
      }
      for (const pb::FieldProblem& problem : described->problems())
        problems_.push_back(ToProblem(problem));
      for (const auto& [sync, fingerprint] : described->identity_fingerprints())
        fingerprints_[sync] = fingerprint;
    }
    co_return absl::OkStatus();
  }

  asio::awaitable<absl::Status> CheckDeliveries() {
    const std::vector<ApplyPlan::DeliveryToCheck> deliveries = plan_.DeliveriesToCheck();
    if (deliveries.empty()) co_return absl::OkStatus();
    PENSTOCK_CO_RETURN_IF_ERROR(co_await peers_.loaders->Reach(options_.parent));
    ClientCallOptions options = options_;
    options.unavailable = ErrorCode::kDESTINATION_UNAVAILABLE;
    for (const ApplyPlan::DeliveryToCheck& one : deliveries) {
      pb::CheckDeliveryRequest request;
      *request.mutable_destination() = ToProto(*one.destination);
      *request.mutable_connector() = ToProto(plan_.ConnectorOf(*one.destination));
      for (const Sync* sync : one.syncs) *request.add_syncs() = ToProto(*sync);
      PENSTOCK_CO_ASSIGN_OR_RETURN(
          auto checked, co_await CallUnary(peers_.loader->async(), &LoaderAsync::CheckDelivery,
                                           request, options));
      for (const pb::FieldProblem& problem : checked.problems())
        problems_.push_back(ToProblem(problem));
    }
    co_return absl::OkStatus();
  }

  asio::awaitable<absl::Status> LoadDelivered() {
    pb::DescribeSnapshotsRequest request;
    for (const Sync* sync : plan_.TouchedSyncs()) {
      if (const Sync* stored = plan_.StoredOf(*sync)) request.add_syncs(stored->meta.name);
    }
    for (const auto& [kind, name] : plan_.Deleted()) {
      if (kind == "Sync") request.add_syncs(name);
    }
    if (request.syncs().empty()) co_return absl::OkStatus();
    PENSTOCK_CO_ASSIGN_OR_RETURN(
        auto snapshots, co_await CallUnary(peers_.state->async(), &StateAsync::DescribeSnapshots,
                                           request, options_));
    for (const auto& [name, summary] : snapshots.snapshots()) {
      DeliveredRows rows{.records = summary.records(),
                         .identity_fingerprint = summary.identity_fingerprint(),
                         .keeps_identity = summary.keeps_identity()};
      PENSTOCK_CO_ASSIGN_OR_RETURN(rows.has_run, co_await HasRun(name));
      delivered_[name] = rows;
    }
    co_return absl::OkStatus();
  }

  // A run may have sent records that no snapshot tells of yet.
  asio::awaitable<absl::StatusOr<bool>> HasRun(std::string sync) {
    pb::ListRunsRequest request;
    request.set_sync(sync);
    request.set_page_size(kPage);
    for (const v1::RunState state :
         {v1::RUN_STATE_RUNNING, v1::RUN_STATE_PARKED, v1::RUN_STATE_CANCELLING,
          v1::RUN_STATE_SUCCEEDED, v1::RUN_STATE_PARTIAL, v1::RUN_STATE_FAILED,
          v1::RUN_STATE_CANCELLED})
      request.add_states(state);
    PENSTOCK_CO_ASSIGN_OR_RETURN(
        auto runs,
        co_await CallUnary(peers_.state->async(), &StateAsync::ListRuns, request, options_));
    for (const v1::Run& run : runs.runs()) {
      if (run.type() == v1::RUN_TYPE_SYNC && run.to().empty()) co_return true;
    }
    co_return false;
  }

  asio::awaitable<absl::Status> Store() {
    pb::StoreResourcesRequest request;
    request.set_actor(options_.parent.caller);
    request.set_fate(request_.fate());
    request.set_paused(request_.paused());
    for (const auto& [kind, name] : plan_.Deleted()) {
      v1::ResourceName& gone = *request.add_deletes();
      gone.set_kind(kind);
      gone.set_name(name);
    }
    for (const StoredResource& one : plan_.ToStore()) {
      v1::Resource& resource = *request.add_resources();
      resource = ToProto(one.resource);
      resource.set_etag(one.etag);
      const auto* sync = std::get_if<Sync>(&one.resource);
      if (sync == nullptr) continue;
      const Destination& destination = *plan_.after().FindDestination(sync->destination);
      const Connector connector = plan_.ConnectorOf(destination);
      pb::SyncTarget& target = (*request.mutable_targets())[sync->meta.name];
      target.set_target(
          TargetOf(*sync, destination.Account(), FindObject(connector, sync->object)));
      target.set_keeps_identity(sync->Removes());
      target.set_account(destination.Account());
      target.set_reset(ResetOf(*sync));
    }
    co_return (
        co_await CallUnary(peers_.state->async(), &StateAsync::StoreResources, request, options_))
        .status();
  }

  v1::ApplyResourcesResponse Answer() const {
    v1::ApplyResourcesResponse response;
    for (size_t i = 0; i < plan_.declared().size(); ++i) {
      const Resource& resource = plan_.declared()[i];
      v1::ResourceChange& change = *response.add_changes();
      change.set_kind(std::string(KindName(resource)));
      change.set_name(MetadataOf(resource).name);
      change.set_action(std::string(Name(plan_.ActionOf(i))));
      if (const auto* sync = std::get_if<Sync>(&resource)) {
        for (std::string& effect : EffectsOn(plan_, *sync, delivered_, ResetOf(*sync)))
          change.add_effects(std::move(effect));
      }
    }
    for (const auto& [kind, name] : plan_.Deleted()) {
      v1::ResourceChange& change = *response.add_changes();
      change.set_kind(kind);
      change.set_name(name);
      change.set_action("deleted");
      const auto rows = delivered_.find(name);
      if (kind != "Sync" || rows == delivered_.end() || rows->second.records == 0) continue;
      for (std::string& effect : EffectsOfDelete(rows->second.records, request_.fate()))
        change.add_effects(std::move(effect));
    }
    return response;
  }

  v1::Reset ResetOf(const Sync& sync) const {
    return verdict_.reset.contains(sync.meta.name) ? request_.reset() : v1::RESET_UNSPECIFIED;
  }

  const ResourcePeers& peers_;
  ApplyPlan& plan_;
  const v1::ApplyResourcesRequest& request_;
  ClientCallOptions options_;
  std::vector<ResourceProblem> problems_;
  std::map<std::string, uint64_t> fingerprints_;
  DeliveredBySync delivered_;
  DeliveredVerdict verdict_;
};

bool HasLabels(const Resource& resource,
               const google::protobuf::Map<std::string, std::string>& of) {
  const auto& labels = MetadataOf(resource).labels;
  return std::all_of(of.begin(), of.end(), [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

// What the request names to be deleted, and what it prunes.
absl::StatusOr<std::set<ApplyPlan::Id>> DeletedBy(const v1::ApplyResourcesRequest& request,
                                                  const std::vector<Resource>& declared,
                                                  const std::vector<StoredResource>& stored) {
  std::set<ApplyPlan::Id> kept, known, deleted;
  for (const Resource& one : declared) {
    kept.insert(ApplyPlan::IdOf(one));
    kept.insert({std::string(KindName(one)), MetadataOf(one).renamed_from});
  }
  for (const StoredResource& one : stored) known.insert(ApplyPlan::IdOf(one.resource));
  for (const v1::ResourceName& one : request.deletes()) {
    const ApplyPlan::Id id(one.kind(), one.name());
    if (!known.contains(id)) {
      return Error(ErrorCode::kRESOURCE_NOT_FOUND,
                   absl::StrCat("there is no ", one.kind(), " \"", one.name(), "\""));
    }
    if (kept.contains(id)) {
      return Error(ErrorCode::kINVALID_REQUEST, absl::StrCat(one.kind(), " \"", one.name(),
                                                             "\" is declared and deleted at once"));
    }
    if (request.fate() == v1::FATE_REMOVE && one.kind() != "Sync") {
      return Error(ErrorCode::kINVALID_REQUEST,
                   absl::StrCat("only Syncs have records to remove; delete ", one.kind(), " \"",
                                one.name(), "\" when they are gone"));
    }
    deleted.insert(id);
  }
  if (request.prune().empty()) return deleted;
  if (request.fate() == v1::FATE_REMOVE) {
    return Error(ErrorCode::kINVALID_REQUEST,
                 "pruning can't remove records; delete the Syncs by name");
  }
  for (const StoredResource& one : stored) {
    const ApplyPlan::Id id = ApplyPlan::IdOf(one.resource);
    if (!kept.contains(id) && HasLabels(one.resource, request.prune())) deleted.insert(id);
  }
  return deleted;
}

}  // namespace

ResourcePeers::ResourcePeers(const std::shared_ptr<grpc::Channel>& to_state,
                             const std::shared_ptr<grpc::Channel>& to_extractors,
                             const std::shared_ptr<grpc::Channel>& to_loaders, Duration patience,
                             Metrics& metrics)
    : state(pb::PlanningService::NewStub(to_state)),
      extractor(pb::ExtractorService::NewStub(to_extractors)),
      loader(pb::LoaderService::NewStub(to_loaders)),
      extractors(
          std::make_unique<Workers>(ServiceKind::kExtractor, to_extractors, patience, metrics)),
      loaders(std::make_unique<Workers>(ServiceKind::kLoader, to_loaders, patience, metrics)) {}

asio::awaitable<absl::StatusOr<std::vector<StoredResource>>> LoadStored(const ResourcePeers& peers,
                                                                        RpcContext context) {
  const ClientCallOptions options{.parent = std::move(context)};
  std::vector<StoredResource> stored;
  pb::ListResourcesRequest request;
  request.set_page_size(kPage);
  do {
    PENSTOCK_CO_ASSIGN_OR_RETURN(
        auto page,
        co_await CallUnary(peers.state->async(), &StateAsync::ListResources, request, options));
    for (const v1::Resource& one : page.resources()) {
      PENSTOCK_CO_ASSIGN_OR_RETURN(Resource resource, FromProto(one));
      stored.push_back({std::move(resource), one.etag()});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  co_return stored;
}

namespace {

// The plan of an apply, from what is declared and what is stored.
asio::awaitable<absl::StatusOr<std::unique_ptr<ApplyPlan>>> MakePlan(
    const ResourcePeers& peers, const v1::ApplyResourcesRequest& request, RpcContext context) {
  if (request.resources().empty() && request.deletes().empty())
    co_return Error(ErrorCode::kINVALID_REQUEST, "no resources are given");
  std::vector<Resource> declared;
  for (const v1::Resource& one : request.resources()) {
    PENSTOCK_CO_ASSIGN_OR_RETURN(Resource resource, FromProto(one));
    declared.push_back(std::move(resource));
  }
  if (const auto problems = TooLarge(request, declared); !problems.empty())
    co_return Refused(problems);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto stored, co_await LoadStored(peers, context));
  PENSTOCK_CO_RETURN_IF_ERROR(CheckEtags(request, declared, stored));
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::set<ApplyPlan::Id> deleted,
                               DeletedBy(request, declared, stored));
  co_return std::make_unique<ApplyPlan>(std::move(declared), std::move(stored), BuiltinConnectors(),
                                        std::move(deleted));
}

}  // namespace

asio::awaitable<absl::StatusOr<v1::ApplyResourcesResponse>> Apply(
    const ResourcePeers& peers, const v1::ApplyResourcesRequest& request, RpcContext context) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto plan, co_await MakePlan(peers, request, context));
  Application application(peers, *plan, request, std::move(context));
  co_return co_await application.Run();
}

asio::awaitable<absl::StatusOr<std::vector<v1::Resource>>> CheckUnapplied(
    const ResourcePeers& peers, google::protobuf::RepeatedPtrField<v1::Resource> resources,
    RpcContext context) {
  v1::ApplyResourcesRequest request;
  request.set_validate_only(true);
  *request.mutable_resources() = std::move(resources);
  PENSTOCK_CO_ASSIGN_OR_RETURN(auto plan, co_await MakePlan(peers, request, context));
  Application application(peers, *plan, request, std::move(context));
  PENSTOCK_CO_RETURN_IF_ERROR((co_await application.Run()).status());
  std::vector<v1::Resource> needed;
  for (const StoredResource& one : plan->ToStore()) needed.push_back(ToProto(one.resource));
  co_return needed;
}

}  // namespace penstock::planner

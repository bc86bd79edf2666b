#include "services/state/app/planning_service.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/obs/log.h"
#include "services/common/pg/pg_pool.h"
#include "services/state/app/cluster_store.h"
#include "services/state/app/life_cycle.h"
#include "services/state/app/proto_json.h"
#include "services/state/app/reconcile_store.h"
#include "services/state/app/rejected_store.h"
#include "services/state/app/resource_store.h"
#include "services/state/app/restore_store.h"
#include "services/state/app/run_facts.h"
#include "services/state/app/run_hub.h"
#include "services/state/app/run_store.h"
#include "services/state/app/schedule_store.h"
#include "services/state/app/serve.h"
#include "services/state/app/state_metrics.h"
#include "services/state/domain/run_machine.h"

namespace penstock::state {
namespace {

constexpr size_t kWatchQueue = 1000;

absl::Status Fill(PgTransaction& tx, const Uuid& run, pb::RunFacts& facts) {
  PENSTOCK_ASSIGN_OR_RETURN(facts, LoadFacts(tx, run));
  return absl::OkStatus();
}

void Follow(PgPool& pool, RunHub& hub, const pb::FollowedRuns& follow,
            std::shared_ptr<RunHub::Stream> stream) {
  // First, so that no run ends between the two unheard.
  hub.FollowMany({follow.syncs().begin(), follow.syncs().end()}, stream);
  if (!follow.has_ended_after()) return;
  auto ended = std::make_shared<std::vector<Uuid>>();
  pool.Run(
      [ended, follow](PgTransaction& tx) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(*ended, RunsEndedAfter(tx, follow));
        return absl::OkStatus();
      },
      [&hub, ended, stream](const absl::Status& status) {
        if (status.ok()) {
          hub.FollowAlso(*ended, stream.get());
        } else {
          hub.Forget(stream.get());
          stream->End(status);
        }
      },
      BootClock::now() + kPatience);
}

}  // namespace

void PlanningService::Moved(const pb::RunFacts& facts) {
  LogInfo("run_moved", "stored",
          {{"run", facts.run().id()},
           {"sync", facts.run().sync()},
           {"state", Name(static_cast<RunState>(facts.state()))}});
  if (IsTerminal(static_cast<RunState>(facts.state()))) CountEnd(metrics_, facts.run());
}

grpc::ServerUnaryReactor* PlanningService::StoreResources(Call* call,
                                                          const pb::StoreResourcesRequest* request,
                                                          pb::StoreResourcesResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::StoreResources);
}

grpc::ServerUnaryReactor* PlanningService::ListResources(Call* call,
                                                         const pb::ListResourcesRequest* request,
                                                         pb::ListResourcesResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::ListResources);
}

grpc::ServerUnaryReactor* PlanningService::CreateRun(Call* call,
                                                     const pb::CreateRunRequest* request,
                                                     pb::CreateRunResponse* response) {
  return ServeFromDatabase(
      pool_, call, request, response,
      [](PgTransaction& tx, const pb::CreateRunRequest& in,
         pb::CreateRunResponse& out) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(const CreatedRun created, state::CreateRun(tx, in));
        out.set_coalesced(created.coalesced);
        PENSTOCK_RETURN_IF_ERROR(Fill(tx, created.run, *out.mutable_facts()));
        PENSTOCK_TESTPOINT("state.create_run_before_commit");
        return absl::OkStatus();
      },
      [this](const pb::CreateRunResponse& out) {
        PENSTOCK_TESTPOINT("state.create_run_before_reply");
        if (!out.coalesced()) Moved(out.facts());
      });
}

grpc::ServerUnaryReactor* PlanningService::ClaimDue(Call* call, const pb::ClaimDueRequest* request,
                                                    pb::ClaimDueResponse* response) {
  return ServeFromDatabase(
      pool_, call, request, response,
      [](PgTransaction& tx, const pb::ClaimDueRequest& in,
         pb::ClaimDueResponse& out) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(const std::vector<Uuid> runs, state::ClaimDue(tx, in.limit()));
        for (const Uuid& run : runs) PENSTOCK_RETURN_IF_ERROR(Fill(tx, run, *out.add_facts()));
        PENSTOCK_ASSIGN_OR_RETURN(const auto next, MillisecondsToNextDue(tx));
        if (next.has_value()) out.set_next_due_ms(*next);
        return absl::OkStatus();
      },
      [this](const pb::ClaimDueResponse& out) {
        for (const pb::RunFacts& facts : out.facts()) Moved(facts);
      });
}

grpc::ServerUnaryReactor* PlanningService::Transition(Call* call,
                                                      const pb::TransitionRequest* request,
                                                      pb::TransitionResponse* response) {
  return ServeFromDatabase(
      pool_, call, request, response,
      [](PgTransaction& tx, const pb::TransitionRequest& in,
         pb::TransitionResponse& out) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(const Uuid run, ResolveRun(tx, in.run_id()));
        PENSTOCK_RETURN_IF_ERROR(state::Transition(tx, in));
        PENSTOCK_RETURN_IF_ERROR(Fill(tx, run, *out.mutable_facts()));
        PENSTOCK_TESTPOINT("state.transition_before_commit");
        return absl::OkStatus();
      },
      [this](const pb::TransitionResponse& out) { Moved(out.facts()); });
}

grpc::ServerUnaryReactor* PlanningService::Reconcile(Call* call,
                                                     const pb::ReconcileRequest* request,
                                                     pb::ReconcileResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::Reconcile);
}

grpc::ServerWriteReactor<pb::WatchRunsResponse>* PlanningService::WatchRuns(
    Call* call, const pb::WatchRunsRequest* request) {
  // The handler of a cancelled call needs the stream that is only made with it.
  auto self = std::make_shared<const RunHub::Stream*>(nullptr);
  auto stream = RunHub::Stream::Start(*call, kWatchQueue,
                                      {.cancelled = [this, self] { hub_.Forget(*self); }});
  *self = stream.get();
  auto* reactor = stream.get();
  if (request->has_follow()) {
    Follow(pool_, hub_, request->follow(), std::move(stream));
    return reactor;
  }
  if (request->run_id().empty()) {
    hub_.WatchAll(std::move(stream));
    return reactor;
  }
  auto run = std::make_shared<Uuid>();
  pool_.Run(
      [run, text = request->run_id()](PgTransaction& tx) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(*run, ResolveRun(tx, text));
        return LoadFacts(tx, *run).status();
      },
      [this, run, stream](const absl::Status& status) {
        if (status.ok()) {
          hub_.FollowOne(*run, stream);
        } else {
          stream->End(status);
        }
      },
      BootClock::now() + kPatience);
  return reactor;
}

grpc::ServerUnaryReactor* PlanningService::GetRun(Call* call, const pb::GetRunRequest* request,
                                                  pb::GetRunResponse* response) {
  return ServeFromDatabase(
      pool_, call, request, response,
      [](PgTransaction& tx, const pb::GetRunRequest& in, pb::GetRunResponse& out) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(const Uuid run, ResolveRun(tx, in.run_id()));
        return Fill(tx, run, *out.mutable_facts());
      });
}

grpc::ServerUnaryReactor* PlanningService::ListRuns(Call* call, const pb::ListRunsRequest* request,
                                                    pb::ListRunsResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::ListRuns);
}

grpc::ServerUnaryReactor* PlanningService::ListRejectedRecords(
    Call* call, const pb::ListRejectedRecordsRequest* request,
    pb::ListRejectedRecordsResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::ListRejectedRecords);
}

grpc::ServerUnaryReactor* PlanningService::GetPlanSamples(Call* call,
                                                          const pb::GetPlanSamplesRequest* request,
                                                          pb::GetPlanSamplesResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::GetPlanSamples);
}

grpc::ServerUnaryReactor* PlanningService::DescribeSnapshots(
    Call* call, const pb::DescribeSnapshotsRequest* request,
    pb::DescribeSnapshotsResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::DescribeSnapshots);
}

grpc::ServerUnaryReactor* PlanningService::ChangeSync(Call* call,
                                                      const pb::ChangeSyncRequest* request,
                                                      pb::ChangeSyncResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::ChangeSync);
}

grpc::ServerUnaryReactor* PlanningService::DescribeCluster(
    Call* call, const pb::DescribeClusterRequest* request, pb::DescribeClusterResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::DescribeCluster);
}

grpc::ServerUnaryReactor* PlanningService::DeclareRestored(
    Call* call, const pb::DeclareRestoredRequest* request, pb::DeclareRestoredResponse* response) {
  auto ended = std::make_shared<std::vector<pb::RunFacts>>();
  return ServeFromDatabase(
      pool_, call, request, response,
      [ended](PgTransaction& tx, const pb::DeclareRestoredRequest& in,
              pb::DeclareRestoredResponse& out) {
        ended->clear();
        return state::DeclareRestored(tx, in, out, *ended);
      },
      [this, ended](const pb::DeclareRestoredResponse&) {
        for (const pb::RunFacts& facts : *ended) Moved(facts);
      });
}

}  // namespace penstock::state

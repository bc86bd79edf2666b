#include "services/state/app/extraction_service.h"

#include <memory>
#include <string>
#include <vector>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/pg/pg_pool.h"
#include "services/state/app/chunk_stream.h"
#include "services/state/app/end_read.h"
#include "services/state/app/serve.h"
#include "services/state/app/snapshot_store.h"
#include "services/state/app/task_store.h"

namespace penstock::state {

grpc::ServerUnaryReactor* ExtractionService::LeaseTask(Call* call,
                                                       const pb::LeaseTaskRequest* request,
                                                       pb::LeaseTaskResponse* response) {
  return ServeFromDatabase(
      pool_, call, request, response,
      [this](PgTransaction& tx, const pb::LeaseTaskRequest& in,
             pb::LeaseTaskResponse& out) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(
            std::optional<pb::Task> task,
            state::LeaseTask(tx, in.worker(), static_cast<uint32_t>(lease_.count())));
        if (!task.has_value()) return absl::OkStatus();
        *out.mutable_task() = *std::move(task);
        PENSTOCK_TESTPOINT("state.lease_before_commit");
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* ExtractionService::Heartbeat(Call* call,
                                                       const pb::HeartbeatRequest* request,
                                                       pb::HeartbeatResponse* response) {
  // Of interest where batches were announced: the extractor must not push them before it knows.
  const bool announces = request->announced().last_number() > 0;
  return ServeFromDatabase(
      pool_, call, request, response,
      [this](PgTransaction& tx, const pb::HeartbeatRequest& in,
             pb::HeartbeatResponse& out) -> absl::Status {
        PENSTOCK_ASSIGN_OR_RETURN(const bool stop, state::Heartbeat(tx, in));
        out.set_stop(stop);
        out.set_lease_ms(static_cast<uint32_t>(lease_.count()));
        return absl::OkStatus();
      },
      [announces](const pb::HeartbeatResponse&) {
        if (announces) PENSTOCK_TESTPOINT("state.announced_before_reply");
      });
}

grpc::ServerWriteReactor<pb::ReadSegmentsResponse>* ExtractionService::ReadSegments(
    Call* call, const pb::ReadSegmentsRequest* request) {
  struct Place {
    std::vector<uint64_t> ids;
    size_t at = 0;
    int chunk = 0;
  };
  auto place = std::make_shared<Place>();
  place->ids.assign(request->segment_ids().begin(), request->segment_ids().end());
  return ChunkStream<pb::ReadSegmentsResponse>::Start(
      pool_, *call,
      [place](PgTransaction& tx) -> absl::StatusOr<std::optional<pb::ReadSegmentsResponse>> {
        while (place->at < place->ids.size()) {
          PENSTOCK_ASSIGN_OR_RETURN(
              std::string data,
              LoadChunk(tx, static_cast<int64_t>(place->ids[place->at]), place->chunk));
          if (data.empty()) {
            ++place->at;
            place->chunk = 0;
            continue;
          }
          ++place->chunk;
          pb::ReadSegmentsResponse piece;
          piece.set_segment_id(place->ids[place->at]);
          piece.set_data(std::move(data));
          return piece;
        }
        return std::nullopt;
      });
}

grpc::ServerWriteReactor<pb::ReadSeenResponse>* ExtractionService::ReadSeen(
    Call* call, const pb::ReadSeenRequest* request) {
  struct Place {
    pb::ReadSeenRequest request;
    int number = 0;
  };
  auto place = std::make_shared<Place>(Place{.request = *request});
  return ChunkStream<pb::ReadSeenResponse>::Start(
      pool_, *call,
      [place](PgTransaction& tx) -> absl::StatusOr<std::optional<pb::ReadSeenResponse>> {
        PENSTOCK_ASSIGN_OR_RETURN(std::string data, LoadSeen(tx, place->request.run_id(),
                                                             place->request.read(), place->number));
        if (data.empty()) return std::nullopt;
        ++place->number;
        pb::ReadSeenResponse piece;
        piece.set_bitmap(std::move(data));
        return piece;
      });
}

grpc::ServerReadReactor<pb::EndReadRequest>* ExtractionService::EndRead(
    Call* call, pb::EndReadResponse* response) {
  return ServeEndRead(pool_, *call, response);
}

grpc::ServerUnaryReactor* ExtractionService::CompleteTask(Call* call,
                                                          const pb::CompleteTaskRequest* request,
                                                          pb::CompleteTaskResponse* response) {
  return ServeFromDatabase(pool_, call, request, response,
                           [](PgTransaction& tx, const pb::CompleteTaskRequest& in,
                              pb::CompleteTaskResponse&) { return state::CompleteTask(tx, in); });
}

grpc::ServerUnaryReactor* ExtractionService::AdoptRecords(Call* call,
                                                          const pb::AdoptRecordsRequest* request,
                                                          pb::AdoptRecordsResponse* response) {
  return ServeFromDatabase(pool_, call, request, response,
                           [](PgTransaction& tx, const pb::AdoptRecordsRequest& in,
                              pb::AdoptRecordsResponse&) { return state::AdoptRecords(tx, in); });
}

grpc::ServerUnaryReactor* ExtractionService::FailTask(Call* call,
                                                      const pb::FailTaskRequest* request,
                                                      pb::FailTaskResponse* response) {
  return ServeFromDatabase(pool_, call, request, response,
                           [](PgTransaction& tx, const pb::FailTaskRequest& in,
                              pb::FailTaskResponse&) { return state::FailTask(tx, in); });
}

}  // namespace penstock::state

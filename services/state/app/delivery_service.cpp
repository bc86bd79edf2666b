#include "services/state/app/delivery_service.h"

#include <memory>
#include <utility>

#include "services/common/core/status.h"
#include "services/state/app/delivery_engine.h"
#include "services/state/app/delivery_store.h"
#include "services/state/app/quota_store.h"
#include "services/state/app/run_store.h"
#include "services/state/app/serve.h"

namespace penstock::state {
namespace {

// Requests of one loader that may wait for their answer; a loader keeps far fewer batches in
// flight.
constexpr size_t kMaxUnanswered = 4096;

absl::Status Draining() {
  return Error(ErrorCode::kDRAINING, "this replica of state is stopping; ask another one");
}

}  // namespace

grpc::ServerBidiReactor<pb::DeliverRequest, pb::DeliverResponse>* DeliveryService::Deliver(
    Call* call) {
  auto message = [this](const Stream::Ptr& stream, pb::DeliverRequest request) {
    engine_.Submit(std::move(request), [stream](pb::DeliverResponse response) {
      // A stream that is over or doesn't read has lost its answers: the loader asks again on a new
      // one.
      if (!stream->Write(std::move(response))) {
        stream->End(Error(ErrorCode::kSTATE_UNAVAILABLE, "the loader doesn't take its answers"));
      }
    });
  };
  auto half_closed = [](const Stream::Ptr& stream) { stream->End(absl::OkStatus()); };
  const Stream::Ptr stream =
      Stream::Start(*call, kMaxUnanswered,
                    {.message = std::move(message), .half_closed = std::move(half_closed)});
  const std::lock_guard lock(mutex_);
  if (draining_) {
    stream->End(Draining());
  } else {
    std::erase_if(streams_, [](const auto& one) { return one.expired(); });
    streams_.push_back(stream);
  }
  return stream.get();
}

void DeliveryService::EndStreams() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  for (const auto& one : streams_) {
    if (const Stream::Ptr stream = one.lock()) stream->End(Draining());
  }
}

grpc::ServerUnaryReactor* DeliveryService::DescribeRead(Call* call,
                                                        const pb::DescribeReadRequest* request,
                                                        pb::DescribeReadResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::DescribeRead);
}

grpc::ServerUnaryReactor* DeliveryService::ParkAccount(Call* call,
                                                       const pb::ParkAccountRequest* request,
                                                       pb::ParkAccountResponse* response) {
  return ServeFromDatabase(pool_, call, request, response,
                           [](PgTransaction& tx, const pb::ParkAccountRequest& in,
                              pb::ParkAccountResponse& out) -> absl::Status {
                             PENSTOCK_ASSIGN_OR_RETURN(const int runs, state::ParkAccount(tx, in));
                             out.set_runs(runs);
                             return absl::OkStatus();
                           });
}

grpc::ServerUnaryReactor* DeliveryService::ChargeQuota(Call* call,
                                                       const pb::ChargeQuotaRequest* request,
                                                       pb::ChargeQuotaResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &state::ChargeQuota);
}

}  // namespace penstock::state

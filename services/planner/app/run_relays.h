#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "penstock/internal/v1/planning.grpc.pb.h"
#include "services/common/obs/metrics.h"
#include "services/common/rpc/client_stream.h"
#include "services/common/rpc/server_stream.h"

namespace penstock::planner {

// Streams of runs that the planner passes on from state, each until one of its sides ends or a
// drain ends them all. Thread-safe.
class RunRelays {
 public:
  // `open` counts the streams. The stub outlives it.
  RunRelays(penstock::internal::v1::PlanningService::StubInterface& state, Gauge open)
      : state_(state), open_streams_(open) {}
  // Ends what is left, and waits until state has let go of it.
  ~RunRelays();

  // Answers `call` with the runs that `request` selects, as messages with a field `run`; a slow
  // reader gets the newest of each. A refusal that isn't OK ends it at once.
  template <typename Response>
  ServerStream<Response>* Start(const grpc::CallbackServerContext& call,
                                const absl::Status& refusal,
                                const penstock::internal::v1::WatchRunsRequest& request);

  // Ends all streams with UNAVAILABLE; later ones end at once.
  void EndAll();

 private:
  using Upstream = ClientStream<penstock::internal::v1::WatchRunsRequest,
                                penstock::internal::v1::WatchRunsResponse>;

  // State's side of a stream, which is only known after both sides were started.
  class Source {
   public:
    void Attach(Upstream::Ptr upstream);
    void Stop();

   private:
    std::mutex mutex_;
    Upstream::Ptr upstream_;
    bool stopped_ = false;
  };

  // A name for an open stream and how to end it; nothing while all end.
  bool Add(uint64_t id, std::function<void()> end);
  void Remove(uint64_t id);
  uint64_t NextId();
  void Open(const std::shared_ptr<Source>& source,
            const penstock::internal::v1::WatchRunsRequest& request, const RpcContext& context,
            std::function<void(penstock::v1::Run)> run, std::function<void(absl::Status)> done);
  static absl::Status Draining();

  penstock::internal::v1::PlanningService::StubInterface& state_;
  const Gauge open_streams_;
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::map<uint64_t, std::function<void()>> open_;
  uint64_t next_id_ = 0;
  bool draining_ = false;
};

template <typename Response>
ServerStream<Response>* RunRelays::Start(const grpc::CallbackServerContext& call,
                                         const absl::Status& refusal,
                                         const penstock::internal::v1::WatchRunsRequest& request) {
  constexpr size_t kQueue = 2;
  auto source = std::make_shared<Source>();
  auto stream =
      ServerStream<Response>::Start(call, kQueue, {.cancelled = [source] { source->Stop(); }});
  if (!refusal.ok()) {
    stream->End(refusal);
    return stream.get();
  }
  const uint64_t id = NextId();
  const bool added = Add(id, [stream, source] {
    stream->End(Draining());
    source->Stop();
  });
  if (!added) {
    stream->End(Draining());
    return stream.get();
  }
  Open(
      source, request, stream->context(),
      [stream](penstock::v1::Run run) {
        Response out;
        *out.mutable_run() = std::move(run);
        stream->WriteLatest(std::move(out), [](const Response& waiting, const Response& newer) {
          return waiting.run().id() == newer.run().id();
        });
      },
      [this, id, stream](const absl::Status& status) {
        stream->End(status);
        Remove(id);
      });
  return stream.get();
}

}  // namespace penstock::planner

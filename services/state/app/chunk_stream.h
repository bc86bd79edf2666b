#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/pg/pg_pool.h"
#include "services/common/rpc/server_stream.h"
#include "services/state/app/serve.h"

namespace penstock::state {

// Streams what lies in the database piece by piece: at most two pieces are in memory, and between
// pieces no connection is held, so a slow reader costs nothing.
template <typename Response>
class ChunkStream : public std::enable_shared_from_this<ChunkStream<Response>> {
 public:
  // The next piece; nullopt at the end. Keeps its own place; called again for the same piece after
  // a lost race.
  using Next = std::function<absl::StatusOr<std::optional<Response>>(PgTransaction&)>;

  static grpc::ServerWriteReactor<Response>* Start(PgPool& pool,
                                                   const grpc::CallbackServerContext& call,
                                                   Next next) {
    auto self = std::shared_ptr<ChunkStream>(new ChunkStream(pool, std::move(next)));
    self->stream_ = ServerStream<Response>::Start(call, 1, {.writable = [self] { self->Load(); }});
    auto* reactor = self->stream_.get();
    self->Load();
    return reactor;
  }

 private:
  ChunkStream(PgPool& pool, Next next) : pool_(pool), next_(std::move(next)) {}

  void Load() {
    if (held_.has_value()) {
      if (!stream_->Write(*std::exchange(held_, std::nullopt))) return;
    }
    auto piece = std::make_shared<std::optional<Response>>();
    pool_.Run(
        [self = this->shared_from_this(), piece](PgTransaction& tx) -> absl::Status {
          auto loaded = self->next_(tx);
          if (loaded.ok()) *piece = *std::move(loaded);
          return loaded.status();
        },
        [self = this->shared_from_this(), piece](const absl::Status& status) {
          if (!status.ok() || !piece->has_value()) {
            self->stream_->End(status);
            return;
          }
          self->held_ = *piece;
          // When the queue is full, `writable` goes on with what is held.
          if (self->stream_->Write(**piece)) {
            self->held_.reset();
            self->Load();
          }
        },
        BootClock::now() + kPatience);
  }

  PgPool& pool_;
  const Next next_;
  std::shared_ptr<ServerStream<Response>> stream_;
  std::optional<Response> held_;
};

}  // namespace penstock::state

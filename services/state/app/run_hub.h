#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "penstock/internal/v1/planning.pb.h"
#include "services/common/core/uuid.h"
#include "services/common/rpc/server_stream.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

// Tells who watches how runs stand: at once when the database notifies, and twice a second while
// counters move. Thread-safe.
class RunHub {
 public:
  using Stream = ServerStream<penstock::internal::v1::WatchRunsResponse>;

  explicit RunHub(PgPool& pool);
  ~RunHub();

  // Ends all streams with UNAVAILABLE: who watches comes again, to another replica. Later ones end
  // at once.
  void EndStreams();

  // The run may have moved; empty: any may have (notifications were missed).
  void Notify(std::string_view run_id);

  // Watches one run until it is terminal.
  void WatchOne(const Uuid& run, std::shared_ptr<Stream> stream);
  // Watches every run that is not terminal.
  void WatchAll(std::shared_ptr<Stream> stream);
  void Forget(const Stream* stream);

 private:
  struct Watcher {
    std::shared_ptr<Stream> stream;
    std::optional<Uuid> run;  // nullopt: all
    int64_t revision = -1;    // last told
  };

  void Loop();
  // Loads these runs, and all active ones if asked, and tells who watches them.
  void Tell(const std::set<Uuid>& runs, bool all);
  void Deliver(const std::vector<penstock::internal::v1::RunFacts>& facts,
               const std::set<Uuid>& notified);

  PgPool& pool_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Watcher> watchers_;
  std::set<Uuid> dirty_;
  bool all_dirty_ = false;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace penstock::state

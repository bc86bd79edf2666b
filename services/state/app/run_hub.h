#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
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

// Tells who watches how runs stand. Planners hear of every active run at once when the database
// notifies that it may move. Others follow runs: they hear at once of the first state and of the
// end, else of changes at most twice a second, and every 15 s of a run that does not change.
// Thread-safe.
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

  // Follows one run until it is terminal, then ends the stream.
  void FollowOne(const Uuid& run, std::shared_ptr<Stream> stream);
  // Follows every run of these Syncs (none: of all) that is not terminal, new ones among them.
  void FollowMany(std::set<std::string> syncs, std::shared_ptr<Stream> stream);
  // Tells who follows many of these runs, too.
  void FollowAlso(const std::vector<Uuid>& runs, const Stream* stream);
  // Watches every run that is not terminal.
  void WatchAll(std::shared_ptr<Stream> stream);
  void Forget(const Stream* stream);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Told {
    int64_t revision = -1;
    Time at;
  };
  struct Watcher {
    std::shared_ptr<Stream> stream;
    bool drives = false;                 // a planner's; all below is for those who follow
    std::optional<Uuid> only;            // the stream ends with this run
    std::set<std::string> syncs = {};    // empty: all
    std::map<Uuid, Told> followed = {};  // until their end was told
  };

  void Add(Watcher watcher);

  void Loop();
  // Loads these runs, and all active ones if asked, and tells who watches them.
  void Tell(const std::set<Uuid>& runs, bool all);
  void Deliver(const std::vector<penstock::internal::v1::RunFacts>& facts,
               const std::set<Uuid>& notified);
  // True when that was the last message of the stream.
  static bool TellFollower(Watcher& watcher, const Uuid& id,
                           const penstock::internal::v1::WatchRunsResponse& message, Time now);

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

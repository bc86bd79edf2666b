#include "cli/follow.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "cli/interrupt.h"
#include "cli/progress.h"
#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kReconnect{500};
constexpr std::chrono::minutes kPatience{1};

class Follower {
 public:
  Follower(Session& session, std::string run_id, milliseconds timeout)
      : session_(session), run_id_(std::move(run_id)), view_(isatty(STDERR_FILENO) != 0) {
    if (timeout > milliseconds(0)) deadline_ = std::chrono::system_clock::now() + timeout;
  }

  Followed Run() {
    const OnInterrupt on_interrupt([this] { Detach(); });
    steady_clock::time_point answered = steady_clock::now();
    while (true) {
      const int64_t before = messages_;
      const grpc::Status status = Watch();
      if (messages_ > before) answered = steady_clock::now();
      view_.Clear();
      if (run_.has_value() && IsTerminal(run_->state())) return End(ExitCodeOf(run_->state()));
      if (detached_) return EndDetached();
      if (TimedOut()) return EndTimedOut();
      const bool again = status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE;
      if (!again) return End(Fail(session_.Translate(status)));
      if (steady_clock::now() - answered > kPatience || !run_.has_value())
        return End(Fail(session_.Translate(status)));
      fmt::print(stderr, "the planner does not answer; trying again\n");
      Pause();
    }
  }

 private:
  // One stream, to its end.
  grpc::Status Watch() {
    auto context = std::make_unique<grpc::ClientContext>();
    session_.Authorize(*context);
    if (deadline_.has_value()) context->set_deadline(*deadline_);
    {
      const std::lock_guard lock(mutex_);
      if (detached_) return grpc::Status::CANCELLED;
      context_ = context.get();
    }
    v1::WatchRunRequest request;
    request.set_run_id(run_id_);
    auto reader = session_.runs().WatchRun(context.get(), request);
    v1::WatchRunResponse response;
    while (reader->Read(&response)) {
      ++messages_;
      run_ = std::move(*response.mutable_run());
      run_id_ = run_->id();  // a Sync's name stands for one run from here on
      view_.Show(*run_);
    }
    const grpc::Status status = reader->Finish();
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    return status;
  }

  void Detach() {
    const std::lock_guard lock(mutex_);
    detached_ = true;
    if (context_ != nullptr) context_->TryCancel();
    wake_.notify_all();
  }
  void Pause() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kReconnect, [this] { return detached_.load(); });
  }
  bool TimedOut() const {
    return deadline_.has_value() && std::chrono::system_clock::now() >= *deadline_;
  }

  Followed End(ExitCode code) { return {code, run_}; }
  Followed EndDetached() {
    fmt::print(stderr, "detached; the run goes on. Follow it again with: penstock watch {}\n",
               run_id_);
    return End(ExitCode::kDetached);
  }
  Followed EndTimedOut() {
    fmt::print(stderr,
               "penstock: the wait timed out; the run goes on. Follow it with: penstock "
               "watch {}\n",
               run_id_);
    return End(ExitCode::kWaitTimedOut);
  }

  Session& session_;
  std::string run_id_;
  ProgressView view_;
  std::optional<std::chrono::system_clock::time_point> deadline_;
  std::optional<v1::Run> run_;
  int64_t messages_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  grpc::ClientContext* context_ = nullptr;  // of the stream that is open
  std::atomic<bool> detached_ = false;
};

}  // namespace

Followed Follow(Session& session, const std::string& run_id, milliseconds timeout) {
  return Follower(session, run_id, timeout).Run();
}

}  // namespace penstock::cli

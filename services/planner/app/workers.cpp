#include "services/planner/app/workers.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_status.h"

namespace penstock::planner {

namespace asio = boost::asio;
using std::chrono::system_clock;

namespace {

constexpr std::chrono::milliseconds kPoll{20};
// The caller should read the answer, not run out of time.
constexpr std::chrono::milliseconds kMargin{500};
// About what an autoscaler and a new pod take.
constexpr std::chrono::seconds kAgain{15};

system_clock::time_point UntilWhen(const RpcContext& context, Duration patience) {
  const auto patient =
      system_clock::now() + std::chrono::duration_cast<system_clock::duration>(patience);
  return context.deadline.has_value() ? std::min(patient, *context.deadline - kMargin) : patient;
}

}  // namespace

Workers::Workers(ServiceKind kind, std::shared_ptr<grpc::Channel> channel, Duration patience,
                 Metrics& metrics)
    : kind_(kind),
      channel_(std::move(channel)),
      patience_(patience),
      waiting_(metrics.GetGauge("penstock_calls_waiting", {Name(kind)})) {}

bool Workers::Reachable() const {
  return channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

asio::awaitable<absl::Status> Workers::Reach(RpcContext context) {
  if (Reachable()) co_return absl::OkStatus();
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const system_clock::time_point end = UntilWhen(context, patience_);
  waiting_.Add(1);
  bool reachable = false;
  while (!reachable && system_clock::now() < end && !context.cancelled.stop_requested()) {
    timer.expires_after(kPoll);
    co_await timer.async_wait(asio::use_awaitable);
    reachable = Reachable();
  }
  waiting_.Add(-1);
  if (reachable) co_return absl::OkStatus();
  const absl::string_view kind = Absl(Name(kind_));
  co_return WithRetryDelay(
      Error(ErrorCode::kWORKERS_UNAVAILABLE,
            absl::StrCat("no ", kind, " is reachable; start one, or correct the planner's --", kind,
                         "s; where they are scaled on demand one is on its way: try again")),
      kAgain);
}

void Workers::RunWaits(const std::string& run) {
  if (runs_.insert(run).second) waiting_.Add(1);
}

void Workers::RunServed(const std::string& run) {
  if (runs_.erase(run) > 0) waiting_.Add(-1);
}

}  // namespace penstock::planner

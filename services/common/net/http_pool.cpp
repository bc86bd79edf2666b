#include "services/common/net/http_pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace penstock::net_internal {

namespace asio = boost::asio;

void HttpConnection::Close() {
  boost::system::error_code ignored;
  socket().close(ignored);
}

bool HttpConnection::IsStale() {
  if (!socket().is_open() || buffer_.size() > 0) return true;
  char byte = 0;
  const ssize_t n = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

Watchdog::Watchdog(std::shared_ptr<HttpConnection> connection, BootTime deadline)
    : connection_(std::move(connection)), state_(std::make_shared<State>()) {
  connection_->watchdog().expires_after(
      std::max(Duration::zero(), Duration(deadline - BootClock::now())));
  connection_->watchdog().async_wait(
      [weak = std::weak_ptr(connection_), state = state_](auto error) {
        // A handler that was already queued when the guard went must not close the connection.
        if (error || !state->armed) return;
        state->fired = true;
        if (auto guarded = weak.lock()) guarded->Close();
      });
}

Watchdog::~Watchdog() {
  state_->armed = false;
  connection_->watchdog().cancel();
}

asio::awaitable<std::optional<HttpPool::Lease>> HttpPool::Take(const Origin& origin,
                                                               BootTime deadline) {
  while (true) {
    if (auto idle = TakeIdle(origin)) co_return idle;
    if (places_ < max_connections_ || EvictOldestIdle()) {
      ++places_;
      co_return Lease{Place(this), nullptr};
    }
    const Duration left = deadline - BootClock::now();
    if (left <= Duration::zero()) co_return std::nullopt;
    Waiter waiter{asio::steady_timer(executor_, left)};
    waiting_.push_back(&waiter);
    boost::system::error_code ignored;
    co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (waiter.queued) waiting_.remove(&waiter);
  }
}

void HttpPool::Return(Lease lease, Duration idle_timeout) {
  if (max_idle_per_origin_ == 0 || idle_timeout <= Duration::zero()) return;
  lease.connection->idle_until = BootClock::now() + idle_timeout;
  auto& idle = idle_[lease.connection->origin()];
  if (idle.size() >= max_idle_per_origin_) idle.pop_front();
  idle.push_back(std::move(lease));
  WakeOne();
}

size_t HttpPool::idle() const {
  size_t count = 0;
  for (const auto& [origin, leases] : idle_) count += leases.size();
  return count;
}

std::optional<HttpPool::Lease> HttpPool::TakeIdle(const Origin& origin) {
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return std::nullopt;
  auto& idle = found->second;
  std::optional<Lease> taken;
  while (!taken && !idle.empty()) {
    if (BootClock::now() < idle.back().connection->idle_until &&
        !idle.back().connection->IsStale()) {
      taken = std::move(idle.back());
    }
    idle.pop_back();
  }
  if (idle.empty()) idle_.erase(found);
  return taken;
}

bool HttpPool::EvictOldestIdle() {
  const auto oldest =
      std::min_element(idle_.begin(), idle_.end(), [](const auto& a, const auto& b) {
        return a.second.front().connection->idle_until < b.second.front().connection->idle_until;
      });
  if (oldest == idle_.end()) return false;
  oldest->second.pop_front();
  if (oldest->second.empty()) idle_.erase(oldest);
  return true;
}

void HttpPool::Free() {
  --places_;
  WakeOne();
}

void HttpPool::WakeOne() {
  if (waiting_.empty()) return;
  waiting_.front()->queued = false;
  waiting_.front()->timer.cancel();
  waiting_.pop_front();
}

}  // namespace penstock::net_internal

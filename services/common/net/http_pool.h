#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "services/common/core/clock.h"
#include "services/common/net/url.h"

// The connections of an HttpClient. Internal to services/common/net.
namespace penstock::net_internal {

// One connection to an origin, plain or TLS.
class HttpConnection {
 public:
  HttpConnection(const boost::asio::any_io_executor& executor, const Origin& origin)
      : origin_(origin), socket_(executor), watchdog_(executor) {}

  const Origin& origin() const { return origin_; }
  boost::asio::ip::tcp::socket& socket() { return tls_ ? tls_->next_layer() : socket_; }
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket>* tls() { return tls_ ? &*tls_ : nullptr; }
  // The socket, connected, becomes the lower layer of a TLS stream.
  void StartTls(boost::asio::ssl::context& context) { tls_.emplace(std::move(socket_), context); }
  boost::beast::flat_buffer& buffer() { return buffer_; }
  boost::asio::steady_timer& watchdog() { return watchdog_; }
  void Close();
  // The peer closed it, or said something that nobody asked for: no request must be sent on it.
  bool IsStale();

  BootTime idle_until{};

 private:
  Origin origin_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket>> tls_;
  boost::beast::flat_buffer buffer_;
  boost::asio::steady_timer watchdog_;
};

// Closes a connection at a time unless it is destroyed before: then operations under way on the
// connection end with an error.
class Watchdog {
 public:
  Watchdog(std::shared_ptr<HttpConnection> connection, BootTime deadline);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  bool fired() const { return state_->fired; }

 private:
  struct State {
    bool armed = true;
    bool fired = false;
  };
  std::shared_ptr<HttpConnection> connection_;
  std::shared_ptr<State> state_;
};

// Idle connections by origin, and the count of all. Thread-confined.
class HttpPool {
 public:
  HttpPool(boost::asio::any_io_executor executor, size_t max_idle_per_origin,
           size_t max_connections)
      : executor_(std::move(executor)),
        max_idle_per_origin_(max_idle_per_origin),
        max_connections_(max_connections) {}

  // The place of one connection among max_connections, held while it lives.
  class Place {
   public:
    explicit Place(HttpPool* pool) : pool_(pool) {}
    Place(Place&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(pool_, other.pool_);
      return *this;
    }
    ~Place() {
      if (pool_ != nullptr) pool_->Free();
    }

   private:
    HttpPool* pool_;
  };
  struct Lease {
    Place place;
    std::shared_ptr<HttpConnection> connection;  // null: none is idle, the caller connects
  };

  // A connection that is idle and not stale, or the place for a new one; waits for one when all are
  // in use. nullopt when `deadline` came first.
  boost::asio::awaitable<std::optional<Lease>> Take(const Origin& origin, BootTime deadline);
  // A connection whose answer was read whole comes back.
  void Return(Lease lease, Duration idle_timeout);

  size_t connections() const { return places_; }
  size_t idle() const;

 private:
  struct Waiter {
    boost::asio::steady_timer timer;
    bool queued = true;
  };

  std::optional<Lease> TakeIdle(const Origin& origin);
  bool EvictOldestIdle();
  void Free();
  void WakeOne();

  boost::asio::any_io_executor executor_;
  size_t max_idle_per_origin_, max_connections_;
  size_t places_ = 0;
  std::list<Waiter*> waiting_;
  std::map<Origin, std::deque<Lease>> idle_;  // the most recently used at the back
};

}  // namespace penstock::net_internal

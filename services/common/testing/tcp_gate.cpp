#include "services/common/testing/tcp_gate.h"

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <map>
#include <set>
#include <thread>

namespace penstock::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

struct Pipe {
  explicit Pipe(asio::io_context& io) : client(io), server(io) {}
  tcp::socket client;
  tcp::socket server;

  void Reset() {
    boost::system::error_code ignored;
    for (tcp::socket* socket : {&client, &server}) {
      socket->set_option(asio::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }
};
using PipePtr = std::shared_ptr<Pipe>;

}  // namespace

// Everything but the counters belongs to the thread.
class TcpGate::Impl {
 public:
  explicit Impl(uint16_t target)
      : target_(asio::ip::address_v4::loopback(), target),
        acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        port_(acceptor_.local_endpoint().port()),
        opened_(io_, asio::steady_timer::time_point::max()) {
    asio::co_spawn(io_, Accept(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Impl() {
    asio::post(io_, [this] { io_.stop(); });
    thread_.join();
  }

  // Runs `change` on the thread and waits until it is done.
  template <typename F>
  void Do(F change) {
    std::promise<void> done;
    asio::post(io_, [&] {
      change();
      done.set_value();
    });
    done.get_future().wait();
  }

  void DropAll() {
    for (const PipePtr& pipe : pipes_) pipe->Reset();
    pipes_.clear();
    connections_ = 0;
  }

  asio::awaitable<void> Accept() {
    for (;;) {
      auto pipe = std::make_shared<Pipe>(io_);
      auto [error] = co_await acceptor_.async_accept(pipe->client, kNoThrow);
      if (error) continue;
      if (refuse_) {
        pipe->Reset();
        continue;
      }
      ++accepted_;
      asio::co_spawn(io_, Connect(pipe), asio::detached);
    }
  }

  asio::awaitable<void> Connect(PipePtr pipe) {
    pipes_.insert(pipe);
    ++connections_;
    auto [error] = co_await pipe->server.async_connect(target_, kNoThrow);
    if (error) {
      Forget(pipe);
      co_return;
    }
    boost::system::error_code ignored;
    pipe->client.set_option(tcp::no_delay(true), ignored);
    pipe->server.set_option(tcp::no_delay(true), ignored);
    asio::co_spawn(io_, Pump(pipe, pipe->client, pipe->server), asio::detached);
    asio::co_spawn(io_, Pump(pipe, pipe->server, pipe->client), asio::detached);
  }

  asio::awaitable<void> Pump(PipePtr pipe, tcp::socket& from, tcp::socket& to) {
    std::array<char, 64 << 10> buffer;
    for (;;) {
      auto [error, n] = co_await from.async_read_some(asio::buffer(buffer), kNoThrow);
      while (stalled_) co_await opened_.async_wait(kNoThrow);
      if (error == asio::error::eof) {
        // A half-closed connection may still have an answer on its way.
        boost::system::error_code shut;
        to.shutdown(tcp::socket::shutdown_send, shut);
        if (!shut && ++half_closed_[pipe.get()] < 2) co_return;
      }
      if (error) break;
      if (delay_.count() > 0) {
        asio::steady_timer timer(io_, delay_);
        co_await timer.async_wait(kNoThrow);
      }
      auto [write_error, written] =
          co_await asio::async_write(to, asio::buffer(buffer, n), kNoThrow);
      if (write_error) break;
    }
    Forget(pipe);
  }

  void Forget(const PipePtr& pipe) {
    half_closed_.erase(pipe.get());
    boost::system::error_code ignored;
    pipe->client.close(ignored);
    pipe->server.close(ignored);
    if (pipes_.erase(pipe) > 0) --connections_;
  }

  asio::io_context io_{1};
  tcp::endpoint target_;
  tcp::acceptor acceptor_;
  uint16_t port_;
  asio::steady_timer opened_;
  std::set<PipePtr> pipes_;
  std::map<Pipe*, int> half_closed_;
  std::atomic<int> connections_ = 0;
  std::atomic<int> accepted_ = 0;
  bool refuse_ = false;
  bool stalled_ = false;
  std::chrono::milliseconds delay_{0};
  std::thread thread_;
};

TcpGate::TcpGate(uint16_t target) : impl_(std::make_unique<Impl>(target)) {}
TcpGate::~TcpGate() = default;

uint16_t TcpGate::port() const {
  return impl_->port_;
}
int TcpGate::connections() const {
  return impl_->connections_;
}
int TcpGate::accepted() const {
  return impl_->accepted_;
}

void TcpGate::Cut() {
  impl_->Do([this] { impl_->DropAll(); });
}

void TcpGate::Close() {
  impl_->Do([this] {
    impl_->refuse_ = true;
    impl_->DropAll();
  });
}

void TcpGate::Stall() {
  impl_->Do([this] { impl_->stalled_ = true; });
}

void TcpGate::Delay(std::chrono::milliseconds by) {
  impl_->Do([this, by] { impl_->delay_ = by; });
}

void TcpGate::Open() {
  impl_->Do([this] {
    impl_->refuse_ = false;
    impl_->stalled_ = false;
    impl_->delay_ = std::chrono::milliseconds(0);
    impl_->opened_.cancel();
  });
}

}  // namespace penstock::testing

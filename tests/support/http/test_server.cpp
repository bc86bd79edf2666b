#include "tests/support/http/test_server.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

namespace penstock::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

TestAnswer Respond(int status, const std::string& body, const std::string& more_headers,
                   const std::string& content_type) {
  TestAnswer answer;
  answer.bytes = "HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Type: " + content_type +
                 "\r\n" + more_headers;
  if (status != 204) answer.bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  answer.bytes += "\r\n";
  if (status != 204) answer.bytes += body;
  return answer;
}

class TestServer::Impl {
 public:
  Impl(Handler handler, TestServerOptions options)
      : handler_(std::move(handler)),
        options_(std::move(options)),
        acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {
    if (!options_.certificate_file.empty()) {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->use_certificate_chain_file(options_.certificate_file);
      tls_->use_private_key_file(options_.key_file, asio::ssl::context::pem);
    }
    accepting_ = std::thread([this] { Accept(); });
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      stopped_.notify_all();
      for (tcp::socket* socket : sockets_) ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : threads_) thread.join();
  }

  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  bool tls() const { return tls_.has_value(); }
  std::vector<SeenRequest> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  size_t accepted() const { return accepted_; }
  size_t open() const {
    std::lock_guard lock(mutex_);
    return sockets_.size();
  }

 private:
  void Accept() {
    while (true) {
      auto socket = std::make_shared<tcp::socket>(context_);
      error_code error;
      acceptor_.accept(*socket, error);
      std::lock_guard lock(mutex_);
      if (error || stopping_) return;
      const size_t number = accepted_++;
      sockets_.push_back(socket.get());
      threads_.emplace_back([this, socket, number] {
        if (!options_.close_before_request) {
          if (tls_) {
            asio::ssl::stream<tcp::socket&> stream(*socket, *tls_);
            error_code failed;
            stream.handshake(asio::ssl::stream_base::server, failed);
            if (!failed) Serve(stream, *socket, number);
          } else {
            Serve(*socket, *socket, number);
          }
        }
        std::lock_guard closing(mutex_);
        sockets_.remove(socket.get());
        error_code ignored;
        socket->close(ignored);
      });
    }
  }

  template <typename Stream>
  void Serve(Stream& stream, tcp::socket& socket, size_t number) {
    boost::beast::flat_buffer buffer;
    while (buffer.size() > 0 || !IdlesTooLong(socket)) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(1 << 30);
      error_code error;
      http::read(stream, buffer, parser, error);
      if (error) return;
      const TestAnswer answer = handler_(Note(parser.get(), number));
      if (!Wait(answer.delay)) return;
      asio::write(stream, asio::buffer(answer.bytes), error);
      const std::string more(64 << 10, 'x');
      while (answer.endless && !error) {
        const size_t bytes = answer.trickle.count() > 0 ? 1 : more.size();
        if (!Wait(answer.trickle)) return;
        asio::write(stream, asio::buffer(more, bytes), error);
      }
      if (error || answer.close) return;
    }
  }

  bool IdlesTooLong(tcp::socket& socket) const {
    if (options_.close_idle_after.count() == 0) return false;
    pollfd waiting{socket.native_handle(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(options_.close_idle_after.count())) == 0;
  }

  SeenRequest Note(const http::request<http::string_body>& request, size_t number) {
    SeenRequest seen{std::string(request.method_string()),
                     std::string(request.target()),
                     request.body(),
                     {},
                     number};
    for (const auto& field : request) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), ::tolower);
      seen.headers[name] = std::string(field.value());
    }
    std::lock_guard lock(mutex_);
    seen_.push_back(seen);
    return seen;
  }

  bool Wait(std::chrono::milliseconds delay) {
    std::unique_lock lock(mutex_);
    return !stopped_.wait_for(lock, delay, [this] { return stopping_; });
  }

  Handler handler_;
  TestServerOptions options_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::optional<asio::ssl::context> tls_;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::vector<SeenRequest> seen_;
  std::atomic<size_t> accepted_ = 0;
  std::list<tcp::socket*> sockets_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

TestServer::TestServer(Handler handler, TestServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(handler), std::move(options))) {}
TestServer::~TestServer() = default;

uint16_t TestServer::port() const {
  return impl_->port();
}
std::string TestServer::url() const {
  return std::string(impl_->tls() ? "https" : "http") + "://127.0.0.1:" + std::to_string(port());
}
std::vector<SeenRequest> TestServer::seen() const {
  return impl_->seen();
}
size_t TestServer::accepted() const {
  return impl_->accepted();
}
size_t TestServer::open() const {
  return impl_->open();
}

}  // namespace penstock::test

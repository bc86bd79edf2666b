#include "tests/support/http/test_proxy.h"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url.hpp>
#include <list>
#include <mutex>
#include <thread>

namespace penstock::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

class TestProxy::Impl {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)), acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {
    accepting_ = std::thread([this] { Accept(); });
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      for (tcp::socket* socket : sockets_) ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : threads_) thread.join();
  }

  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::vector<std::string> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  // A socket that the end of the test shuts down.
  class Guarded {
   public:
    Guarded(Impl& impl, tcp::socket& socket) : impl_(impl), socket_(socket) {
      std::lock_guard lock(impl_.mutex_);
      impl_.sockets_.push_back(&socket_);
      if (impl_.stopping_) ::shutdown(socket_.native_handle(), SHUT_RDWR);
    }
    ~Guarded() {
      std::lock_guard lock(impl_.mutex_);
      impl_.sockets_.remove(&socket_);
    }

   private:
    Impl& impl_;
    tcp::socket& socket_;
  };

  void Accept() {
    while (true) {
      auto socket = std::make_shared<tcp::socket>(context_);
      error_code error;
      acceptor_.accept(*socket, error);
      std::lock_guard lock(mutex_);
      if (error || stopping_) return;
      threads_.emplace_back([this, socket] { Serve(*socket); });
    }
  }

  void Serve(tcp::socket& client) {
    const Guarded guarded(*this, client);
    boost::beast::flat_buffer buffer;
    while (true) {
      http::request<http::string_body> request;
      error_code error;
      http::read(client, buffer, request, error);
      if (error) return;
      {
        std::lock_guard lock(mutex_);
        seen_.push_back(std::string(request.method_string()) + " " + std::string(request.target()));
      }
      const std::string authorization(request[http::field::proxy_authorization]);
      const bool tunnel = request.method() == http::verb::connect;
      if (authorization != options_.authorization && !options_.authorization.empty()) {
        Answer(client, 407);
      } else if (tunnel && options_.refuse_tunnels != 0) {
        Answer(client, options_.refuse_tunnels);
      } else if (tunnel) {
        return Tunnel(client, std::string(request.target()));
      } else {
        Forward(client, request);
      }
    }
  }

  static void Answer(tcp::socket& client, int status) {
    error_code ignored;
    asio::write(
        client,
        asio::buffer("HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Length: 0\r\n\r\n"),
        ignored);
  }

  bool ConnectTo(tcp::socket& server, const std::string& port) {
    error_code error;
    server.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::stoi(port))},
                   error);
    return !error;
  }

  void Tunnel(tcp::socket& client, const std::string& authority) {
    tcp::socket server(context_);
    if (!ConnectTo(server, authority.substr(authority.rfind(':') + 1))) return Answer(client, 502);
    const Guarded guarded(*this, server);
    Answer200(client);
    std::thread back([&] { Copy(server, client); });
    Copy(client, server);
    back.join();
  }

  static void Answer200(tcp::socket& client) {
    error_code ignored;
    asio::write(client, asio::buffer(std::string("HTTP/1.1 200 Connected\r\n\r\n")), ignored);
  }

  // Until one end closes.
  static void Copy(tcp::socket& from, tcp::socket& to) {
    std::array<char, 16 << 10> bytes;
    error_code error;
    while (!error) {
      const size_t n = from.read_some(asio::buffer(bytes), error);
      if (n > 0) asio::write(to, asio::buffer(bytes.data(), n), error);
    }
    ::shutdown(to.native_handle(), SHUT_RDWR);
    ::shutdown(from.native_handle(), SHUT_RDWR);
  }

  void Forward(tcp::socket& client, http::request<http::string_body>& request) {
    const std::string target(request.target());
    const boost::urls::url url = boost::urls::parse_uri(target).value();
    tcp::socket server(context_);
    if (!ConnectTo(server, url.has_port() ? std::string(url.port()) : "80")) {
      return Answer(client, 502);
    }
    const Guarded guarded(*this, server);
    request.target(std::string(url.encoded_target()));
    request.erase(http::field::proxy_authorization);
    error_code error;
    http::write(server, request, error);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(server, buffer, response, error);
    if (!error) http::write(client, response, error);
  }

  const Options options_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::vector<std::string> seen_;
  std::list<tcp::socket*> sockets_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

TestProxy::TestProxy() : TestProxy(Options{}) {}
TestProxy::TestProxy(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
TestProxy::~TestProxy() = default;

uint16_t TestProxy::port() const {
  return impl_->port();
}
std::vector<std::string> TestProxy::seen() const {
  return impl_->seen();
}

}  // namespace penstock::test

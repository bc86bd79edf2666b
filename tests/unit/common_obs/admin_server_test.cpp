#include "services/common/obs/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/obs/metrics.h"
#include "services/common/obs/readiness.h"

namespace penstock {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() : server_(*AdminServer::Start("127.0.0.1:0", metrics_, readiness_)) {}

  std::string Ask(std::string request) {
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect({asio::ip::address_v4::loopback(), server_->port()});
    asio::write(socket, asio::buffer(request));
    std::string answer;
    boost::system::error_code eof;
    asio::read(socket, asio::dynamic_buffer(answer), eof);
    return answer;
  }
  std::string Get(std::string_view path) {
    return Ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }

  const MetricSpec specs_[1] = {
      {MetricKind::kGauge, "penstock_grants_open", "Grants that are open."}};
  Metrics metrics_{specs_};
  Readiness readiness_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, IsHealthyWhateverItsChecksSay) {
  readiness_.Add("redis", [] { return Error(ErrorCode::kQUEUE_UNAVAILABLE, "gone"); });
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, NamesEachReasonForWhichItIsNotReady) {
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200"));
  absl::Status redis = Error(ErrorCode::kQUEUE_UNAVAILABLE, "it evicts\nkeys");
  readiness_.Add("database", [] { return absl::OkStatus(); });
  readiness_.Add("redis", [&] { return redis; });
  std::string answer = Get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nredis: it evicts keys\n"));
  redis = absl::OkStatus();
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200"));
  readiness_.Drain();
  EXPECT_THAT(Get("/readyz"), HasSubstr("draining"));
}

TEST_F(AdminServerTest, ServesMetricsForPrometheus) {
  std::string answer = Get("/metrics?x=1");
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer, HasSubstr("penstock_grants_open 0"));
}

TEST_F(AdminServerTest, ChangesTheLevelOfTheLog) {
  const auto put = [&](const std::string& query) {
    return Ask("PUT /log-level" + query + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  };
  EXPECT_THAT(put("?level=off"), StartsWith("HTTP/1.1 200"));
  EXPECT_FALSE(LogEnabled(LogLevel::kError));
  EXPECT_THAT(put("?level=loud"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(put(""), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(put("?level=info"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(LogEnabled(LogLevel::kInfo));
}

TEST_F(AdminServerTest, RefusesWhatItDoesNotOffer) {
  EXPECT_THAT(Get("/secrets"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                  "Connection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 405"));
  EXPECT_EQ(Ask("nonsense\r\n\r\n"), "");
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminServerTest, SaysWhichAddressItCanNotListenOn) {
  std::string taken = "127.0.0.1:" + std::to_string(server_->port());
  absl::Status status = AdminServer::Start(taken, metrics_, readiness_).status();
  EXPECT_EQ(CodeOf(status), ErrorCode::kINVALID_CONFIGURATION);
  EXPECT_THAT(std::string(status.message()), HasSubstr(taken));
}

}  // namespace
}  // namespace penstock

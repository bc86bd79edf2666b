// Every RPC of every service × every kind of caller.
#include <gmock/gmock.h>
#include <google/protobuf/compiler/importer.h>

#include <algorithm>

#include "fmt/format.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/testing/child_process.h"
#include "tests/integration/planner_api/error_details.h"
#include "tests/integration/planner_api/unknown_call.h"
#include "tests/integration/security/programs.h"
#include "tests/integration/security/secure_cluster.h"

namespace penstock::testing {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::compiler::DiskSourceTree;
using google::protobuf::compiler::Importer;
using google::protobuf::compiler::MultiFileErrorCollector;
using grpc::StatusCode;
using ::testing::HasSubstr;

class ThrowErrors : public MultiFileErrorCollector {
  void AddError(const std::string& file, int line, int, const std::string& message) override {
    throw std::runtime_error(fmt::format("{}:{}: {}", file, line, message));
  }
};

// The methods of all .proto files of the project as they stand in the source, so none is forgotten.
class Methods {
 public:
  Methods() {
    tree_.MapPath("", PENSTOCK_PROTO);
    tree_.MapPath("", "/usr/include");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(PENSTOCK_PROTO)) {
      if (entry.path().extension() != ".proto") continue;
      const auto* file =
          importer_.Import(std::filesystem::relative(entry.path(), PENSTOCK_PROTO).string());
      if (file == nullptr || !file->package().starts_with("penstock.")) continue;
      for (int i = 0; i < file->service_count(); ++i) {
        for (int j = 0; j < file->service(i)->method_count(); ++j)
          methods_.push_back(file->service(i)->method(j));
      }
    }
    std::sort(methods_.begin(), methods_.end(),
              [](const auto* a, const auto* b) { return a->full_name() < b->full_name(); });
  }
  const std::vector<const MethodDescriptor*>& all() const { return methods_; }
  // Which program serves it.
  static std::string ServerOf(const MethodDescriptor& method) {
    if (method.file()->package() == "penstock.v1") return "planner";
    if (method.service()->name() == "ExtractorService") return "extractor";
    if (method.service()->name() == "LoaderService") return "loader";
    return "state";
  }

 private:
  DiskSourceTree tree_;
  ThrowErrors errors_;
  Importer importer_{&tree_, &errors_};
  std::vector<const MethodDescriptor*> methods_;
};

struct CallerKind {
  std::string name;
  TlsFiles tls;
  std::string token;
};

class CallersTest : public ::testing::Test {
 protected:
  std::string Address(const std::string& service) {
    return cluster_.services().planner_address(service);
  }
  grpc::Status Call(const CallerKind& caller, const MethodDescriptor& method) {
    const std::string service = Methods::ServerOf(method);
    auto& channel = channels_[caller.name + service];
    if (channel == nullptr)
      channel = *MakeChannel({.addresses = {Address(service)}, .tls = caller.tls});
    return CallWithoutRequest(channel, method, caller.token, std::chrono::seconds(2));
  }

  SecureCluster cluster_;
  test::Authority stranger_{"Another authority"};
  const std::string trusted_ = cluster_.authority().Pem();
  const TlsFiles own_ = cluster_.Caller("own", cluster_.authority(), trusted_);
  const TlsFiles foreign_ = cluster_.Caller("foreign", stranger_, trusted_ + stranger_.Pem());
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

TEST_F(CallersTest, OnlyTheRightOnesReachAnyRpc) {
  const std::vector<CallerKind> internal = {
      {"without TLS", {}, ""},
      {"TLS without certificate", {.ca_file = own_.ca_file}, ""},
      {"certificate of another authority", foreign_, ""},
      {"right certificate", own_, ""}};
  std::vector<CallerKind> open = internal;
  for (CallerKind& caller : open) caller.token = kToken;
  open[3].name = "right certificate and token";
  open.push_back({"right certificate without token", own_, ""});
  open.push_back({"right certificate, wrong token", own_, "PenstockTestTokenTwo"});

  const Methods methods;
  std::map<std::string, int> rpcs;
  int combinations = 0;
  for (const MethodDescriptor* method : methods.all()) {
    const std::string service = Methods::ServerOf(*method);
    ++rpcs[service];
    for (const CallerKind& caller : service == "planner" ? open : internal) {
      ++combinations;
      const grpc::Status status = Call(caller, *method);
      const std::string what =
          fmt::format("{} by a caller {}: {} {}", method->full_name(), caller.name,
                      static_cast<int>(status.error_code()), status.error_message());
      if (caller.name == "right certificate" || caller.name == "right certificate and token") {
        // Whatever the service says of an empty request, it was asked.
        EXPECT_NE(status.error_code(), StatusCode::UNAUTHENTICATED) << what;
        EXPECT_NE(status.error_code(), StatusCode::UNIMPLEMENTED) << what;
        EXPECT_TRUE(status.error_code() != StatusCode::UNAVAILABLE ||
                    DetailOf<google::rpc::ErrorInfo>(status).has_value())
            << what;
      } else if (caller.tls.cert_file == own_.cert_file) {
        EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << what;
      } else {
        EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << what;
        EXPECT_FALSE(DetailOf<google::rpc::ErrorInfo>(status).has_value()) << what;
      }
    }
  }
  EXPECT_GE(rpcs["planner"], 18);
  EXPECT_GE(rpcs["state"], 25);
  EXPECT_GE(rpcs["extractor"], 2);
  EXPECT_GE(rpcs["loader"], 3);
  fmt::print("RPCs × callers: {} public × {}, {} internal × {}: {} combinations\n", rpcs["planner"],
             open.size(), methods.all().size() - rpcs["planner"], internal.size(), combinations);
}

TEST_F(CallersTest, Tls13IsAgreedWithEveryService) {
  const TempDir dir("tls13");
  for (const std::string& service : kServices) {
    ChildProcess client(
        {.args = {"sh", "-c",
                  fmt::format("sleep 1 | openssl s_client -connect {} -alpn h2 "
                              "-CAfile {} -cert {} -key {}",
                              Address(service), own_.ca_file, own_.cert_file, own_.key_file)},
         .out = dir / service});
    client.Wait();
    // The client offers 1.2 and 1.3.
    EXPECT_THAT(ReadFile(dir / service), HasSubstr("New, TLSv1.3, Cipher is TLS_")) << service;
    EXPECT_THAT(ReadFile(dir / service), HasSubstr("Verification: OK")) << service;
  }
}

}  // namespace
}  // namespace penstock::testing

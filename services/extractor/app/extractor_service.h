#pragma once

#include <boost/asio/thread_pool.hpp>

#include "penstock/internal/v1/workers.grpc.pb.h"
#include "services/common/config/secrets.h"

namespace penstock::extractor {

// penstock.internal.v1.ExtractorService: what planners ask of a warehouse. Each call works on a
// thread of a small pool, for a warehouse may take its time. Thread-safe.
class ExtractorService final : public penstock::internal::v1::ExtractorService::CallbackService {
 public:
  explicit ExtractorService(Secrets secrets) : secrets_(std::move(secrets)) {}
  ~ExtractorService() override { pool_.join(); }

 private:
  static constexpr size_t kThreads = 4;
  using Call = grpc::CallbackServerContext;

  grpc::ServerUnaryReactor* DescribeModel(
      Call* call, const penstock::internal::v1::DescribeModelRequest* request,
      penstock::internal::v1::DescribeModelResponse* response) override;
  grpc::ServerUnaryReactor* TestSource(Call* call,
                                       const penstock::internal::v1::TestSourceRequest* request,
                                       penstock::v1::TestConnectionResponse* response) override;

  const Secrets secrets_;
  boost::asio::thread_pool pool_{kThreads};
};

}  // namespace penstock::extractor

#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "services/common/redis/redis_client.h"
#include "services/common/testing/redis_server.h"

namespace penstock {

// A private Redis and clients of it.
class QueueFixture : public ::testing::Test {
 protected:
  ~QueueFixture() override {
    clients_.clear();
    pool_.join();
  }

  // Each call gives a connection of its own, as each process has.
  RedisClient& Connect() {
    return *clients_.emplace_back(
        std::make_unique<RedisClient>(pool_.get_executor(), *ParseRedisUrl(server_.Url())));
  }

  template <typename T>
  std::future<T> Start(asio::awaitable<T> work) {
    return asio::co_spawn(pool_, std::move(work), asio::use_future);
  }
  // The value of a call that must succeed.
  template <typename T>
  T Get(asio::awaitable<absl::StatusOr<T>> work) {
    absl::StatusOr<T> value = Start(std::move(work)).get();
    if (!value.ok()) throw std::runtime_error(value.status().ToString());
    return *std::move(value);
  }
  void Do(asio::awaitable<absl::Status> work) {
    const absl::Status status = Start(std::move(work)).get();
    EXPECT_TRUE(status.ok()) << status;
  }

  testing::RedisServer server_;
  asio::thread_pool pool_{2};
  std::vector<std::unique_ptr<RedisClient>> clients_;
};

}  // namespace penstock

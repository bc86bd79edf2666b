#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// A forward proxy for tests, on a free port of 127.0.0.1. It takes every host for 127.0.0.1, so
// that names which only a proxy could know lead to servers of the test.
namespace penstock::test {

class TestProxy {
 public:
  struct Options {
    std::string authorization{};  // what Proxy-Authorization must be, else 407; empty: anything
    int refuse_tunnels = 0;       // the status with which CONNECT is refused; 0: it is not
  };
  TestProxy();
  explicit TestProxy(Options options);
  ~TestProxy();

  uint16_t port() const;
  // The first words of each request: "CONNECT api.test:443", "POST http://api.test/x".
  std::vector<std::string> seen() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::test

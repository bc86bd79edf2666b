#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace penstock::test {

// A certificate authority for tests, whose certificates may be early, late, or without a name.
class Authority {
 public:
  explicit Authority(const std::string& name = "Test authority");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // Its own certificate.
  std::string Pem() const;

  struct Pair {
    std::string cert;
    std::string key;
  };
  // For DNS names and IPv4 addresses; valid from and until so long from now.
  Pair Issue(const std::vector<std::string>& names,
             std::chrono::seconds from = -std::chrono::hours(1),
             std::chrono::seconds until = std::chrono::hours(24)) const;

 private:
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> certificate_;
};

}  // namespace penstock::test

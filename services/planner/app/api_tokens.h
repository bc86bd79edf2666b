#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace penstock::planner {

// The bearer tokens that open the public API, from a file that is read again when it changes. A
// line is TOKEN or NAME:TOKEN, where the name tells callers apart in the audit; empty lines and
// those that begin with # are passed over. Tokens are kept and compared as digests, in a time that
// tells nothing of them. Thread-safe.
class ApiTokens {
 public:
  // INVALID_CONFIGURATION names file and line of what is wrong, or that there is no token.
  static absl::StatusOr<std::unique_ptr<ApiTokens>> Open(std::string path);

  // The caller's name by the value of its authorization header ("Bearer TOKEN"); UNAUTHENTICATED
  // when it has none of the tokens. A file that is gone or wrong leaves the last tokens in place,
  // and the log says so.
  absl::StatusOr<std::string> CallerOf(std::string_view authorization);

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Token {
    std::string name;
    Digest digest;
  };
  // What changes when a file does, also when it is replaced by another (a mounted Secret).
  struct Version {
    uint64_t device = 0, inode = 0;
    int64_t size = 0, changed_ns = 0;
    bool operator==(const Version&) const = default;
  };

  explicit ApiTokens(std::string path) : path_(std::move(path)) {}
  static Version VersionOf(const std::string& path);
  static Digest DigestOf(std::string_view token);
  static absl::StatusOr<std::vector<Token>> Read(const std::string& path);
  void ReadIfChanged();

  const std::string path_;
  std::mutex mutex_;
  Version version_;
  std::vector<Token> tokens_;
};

}  // namespace penstock::planner

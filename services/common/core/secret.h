#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace penstock {

// A value that must appear in no log, error or answer. It converts to nothing and prints as
// nothing: whoever needs it says Reveal(), which is easy to find in a review.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  std::string_view Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace penstock

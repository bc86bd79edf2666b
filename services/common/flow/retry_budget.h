#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace penstock {

// Keeps retries a small part of the traffic, so that a struggling destination is not buried under
// them: at most max(3, 20 % of all attempts active or waiting) retries are active at once.
// Thread-confined. Slots must not outlive it.
class RetryBudget {
 public:
  // One active retry; freed when destroyed.
  class Slot {
   public:
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Slot() {
      if (owner_ != nullptr) --owner_->active_;
    }

   private:
    friend class RetryBudget;
    explicit Slot(RetryBudget* owner) : owner_(owner) {}
    RetryBudget* owner_;
  };

  RetryBudget() = default;
  RetryBudget(const RetryBudget&) = delete;
  RetryBudget& operator=(const RetryBudget&) = delete;

  bool HasRoom(uint64_t active, uint64_t pending) const {
    return active_ < std::max<uint64_t>(kAlwaysAllowed, (active + pending) / kPart);
  }
  // `active`: attempts under way; `pending`: attempts that wait. nullopt when the budget is spent.
  std::optional<Slot> TryTake(uint64_t active, uint64_t pending) {
    if (!HasRoom(active, pending)) return std::nullopt;
    ++active_;
    return Slot(this);
  }
  uint64_t active() const { return active_; }

 private:
  static constexpr uint64_t kAlwaysAllowed = 3;
  static constexpr uint64_t kPart = 5;  // one in five
  uint64_t active_ = 0;
};

}  // namespace penstock

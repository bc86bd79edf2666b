#pragma once

#include <cstdint>
#include <optional>

#include "services/common/core/clock.h"

// Stops attempts towards a destination that is down, so that they fail nowhere but wait, and finds
// out with single probes when it is back. Only failures of the destination as a whole count (5xx,
// timeouts, no connection); a refused record or a 429 is a sign of life.
namespace penstock {

struct CircuitBreakerOptions {
  uint32_t consecutive = 5;    // so many failures in a row open it …
  double part = 0.85;          // … or this part of
  uint32_t part_minimum = 50;  // at least so many attempts within
  Duration window = std::chrono::seconds(30);
  Duration first_open = std::chrono::seconds(1);  // doubles with each failed probe
  Duration longest_open = std::chrono::seconds(60);
};

// Thread-confined. Passes must not outlive it.
class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed = 0, kOpen = 1, kHalfOpen = 2 };

  // Leave to make one attempt. Destroyed without an end, it counts as if it had never been.
  class Pass {
   public:
    Pass(Pass&& other) noexcept;
    Pass& operator=(Pass&& other) noexcept;
    ~Pass() { Drop(); }
    void Succeeded(BootTime now);
    void Failed(BootTime now);

   private:
    friend class CircuitBreaker;
    Pass(CircuitBreaker* owner, bool probe) : owner_(owner), probe_(probe) {}
    void Drop();
    CircuitBreaker* owner_;
    bool probe_;
  };

  explicit CircuitBreaker(const CircuitBreakerOptions& options = {}) : options_(options) {}
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  // nullopt while open, and while the one probe of the half-open state is out.
  std::optional<Pass> TryPass(BootTime now);
  bool WouldPass(BootTime now) const;
  // When an open breaker lets a probe through; nullopt when it is not open.
  std::optional<BootTime> OpenUntil() const;
  State state(BootTime now) const;

 private:
  void Succeeded(bool probe, BootTime now);
  void Failed(bool probe, BootTime now);
  void Open(BootTime now);
  void Count(bool failed, BootTime now);

  CircuitBreakerOptions options_;
  bool open_ = false;  // until a probe has succeeded
  bool probing_ = false;
  BootTime open_until_{};
  Duration open_for_{};
  uint32_t consecutive_ = 0;
  BootTime window_start_{};
  uint32_t attempts_ = 0, failures_ = 0;
};

}  // namespace penstock

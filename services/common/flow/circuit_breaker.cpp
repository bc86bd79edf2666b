#include "services/common/flow/circuit_breaker.h"

#include <algorithm>
#include <utility>

namespace penstock {

CircuitBreaker::Pass::Pass(Pass&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), probe_(other.probe_) {}

CircuitBreaker::Pass& CircuitBreaker::Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    Drop();
    owner_ = std::exchange(other.owner_, nullptr);
    probe_ = other.probe_;
  }
  return *this;
}

void CircuitBreaker::Pass::Succeeded(BootTime now) {
  if (CircuitBreaker* owner = std::exchange(owner_, nullptr)) owner->Succeeded(probe_, now);
}

void CircuitBreaker::Pass::Failed(BootTime now) {
  if (CircuitBreaker* owner = std::exchange(owner_, nullptr)) owner->Failed(probe_, now);
}

void CircuitBreaker::Pass::Drop() {
  CircuitBreaker* owner = std::exchange(owner_, nullptr);
  if (owner != nullptr && probe_) owner->probing_ = false;
}

bool CircuitBreaker::WouldPass(BootTime now) const {
  return !open_ || (now >= open_until_ && !probing_);
}

std::optional<CircuitBreaker::Pass> CircuitBreaker::TryPass(BootTime now) {
  if (!WouldPass(now)) return std::nullopt;
  if (open_) probing_ = true;
  return Pass(this, open_);
}

std::optional<BootTime> CircuitBreaker::OpenUntil() const {
  return open_ ? std::optional(open_until_) : std::nullopt;
}

CircuitBreaker::State CircuitBreaker::state(BootTime now) const {
  if (!open_) return State::kClosed;
  return now < open_until_ ? State::kOpen : State::kHalfOpen;
}

void CircuitBreaker::Succeeded(bool probe, BootTime now) {
  // An attempt that left before the breaker opened says nothing about the time since.
  if (open_ && !probe) return;
  if (probe) {
    open_ = probing_ = false;
    open_for_ = Duration::zero();
    attempts_ = failures_ = 0;
    window_start_ = now;
  }
  consecutive_ = 0;
  Count(false, now);
}

void CircuitBreaker::Failed(bool probe, BootTime now) {
  if (probe) {
    probing_ = false;
    Open(now);
    return;
  }
  if (open_) return;
  ++consecutive_;
  Count(true, now);
  const bool most = attempts_ >= options_.part_minimum && failures_ >= options_.part * attempts_;
  if (consecutive_ >= options_.consecutive || most) Open(now);
}

void CircuitBreaker::Open(BootTime now) {
  open_for_ = open_for_ == Duration::zero() ? options_.first_open
                                            : std::min(open_for_ * 2, options_.longest_open);
  open_ = true;
  open_until_ = now + open_for_;
  consecutive_ = attempts_ = failures_ = 0;
  window_start_ = now;
}

void CircuitBreaker::Count(bool failed, BootTime now) {
  if (now - window_start_ > options_.window) {
    attempts_ = failures_ = 0;
    window_start_ = now;
  }
  ++attempts_;
  if (failed) ++failures_;
}

}  // namespace penstock

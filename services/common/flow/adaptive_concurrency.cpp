#include "services/common/flow/adaptive_concurrency.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace penstock {
namespace {

double Seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

Duration FromSeconds(double s) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}

}  // namespace

AdaptiveConcurrency::Permit::Permit(Permit&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), start_(other.start_) {}

AdaptiveConcurrency::Permit& AdaptiveConcurrency::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    Release();
    owner_ = std::exchange(other.owner_, nullptr);
    start_ = other.start_;
  }
  return *this;
}

void AdaptiveConcurrency::Permit::Finish(LoadSignal signal, BootTime now) {
  if (AdaptiveConcurrency* owner = std::exchange(owner_, nullptr)) owner->End(start_, signal, now);
}

void AdaptiveConcurrency::Permit::Release() {
  if (AdaptiveConcurrency* owner = std::exchange(owner_, nullptr)) --owner->in_flight_;
}

AdaptiveConcurrency::AdaptiveConcurrency(const AdaptiveConcurrencyOptions& options)
    : options_(options), limit_(std::clamp(options.initial_limit, 1u, options.max_limit)) {}

std::optional<AdaptiveConcurrency::Permit> AdaptiveConcurrency::TryAcquire(BootTime now) {
  if (!HasRoom()) return std::nullopt;
  ++in_flight_;
  if (in_flight_ >= limit_) reached_ = true;
  return Permit(this, now);
}

void AdaptiveConcurrency::ForgetRoundTrips() {
  known_ = false;
  sum_s_ = 0;
  samples_ = 0;
}

Duration AdaptiveConcurrency::round_trip() const {
  return known_ ? FromSeconds(mean_s_) : Duration::zero();
}

void AdaptiveConcurrency::End(BootTime start, LoadSignal signal, BootTime now) {
  --in_flight_;
  if (signal == LoadSignal::kBackPressure) back_pressure_ = true;
  if (signal == LoadSignal::kOk) {
    sum_s_ += Seconds(now - start);
    ++samples_;
  }
  if (!known_) {
    // Push-back before the first answer shrinks at once: there is no round trip to wait for.
    if (samples_ > 0) {
      mean_s_ = min_s_ = sum_s_ / samples_;
      variance_ = 0;
      min_updated_ = now;
      known_ = true;
      StartWindow(now);
    } else if (back_pressure_) {
      Adjust(now);
    }
    return;
  }
  if (now >= next_adjust_) Adjust(now);
}

// Differs from Vector in that a slow window shrinks the limit only when the limit was reached (else
// an idle lane sinks to one for no reason), that round trips within 2 % are equal, that a mean
// which rose slowly with a queue at the destination is caught by the quickest round trip seen, and
// that a push-back stops growth for some windows.
void AdaptiveConcurrency::Adjust(BootTime now) {
  const bool measured = samples_ > 0;
  const double window = measured ? sum_s_ / samples_ : 0;
  bool slow = false, quick = false;
  if (measured) {
    min_s_ *= 1 + options_.min_growth_per_s * Seconds(now - min_updated_);
    min_s_ = std::min(min_s_, window);
    min_updated_ = now;
    const double band = mean_s_ * (1 + options_.equality_band);
    slow = window > band + options_.deviations * std::sqrt(variance_) ||
           window > options_.slow_ratio * min_s_;
    quick = window <= band;
  }
  if (back_pressure_ || (slow && reached_)) {
    limit_ = std::max(1u, static_cast<uint32_t>(limit_ * options_.decrease_ratio));
  } else if (quick && reached_ && hold_ == 0) {
    limit_ = std::min(options_.max_limit, limit_ + 1);
  }
  if (back_pressure_) {
    hold_ = options_.hold_windows;
  } else if (hold_ > 0) {
    --hold_;
  }
  if (measured) {
    const double difference = window - mean_s_;
    mean_s_ += options_.smoothing * difference;
    variance_ =
        (1 - options_.smoothing) * (variance_ + options_.smoothing * difference * difference);
  }
  StartWindow(now);
}

void AdaptiveConcurrency::StartWindow(BootTime now) {
  next_adjust_ = now + FromSeconds(mean_s_);
  sum_s_ = 0;
  samples_ = 0;
  back_pressure_ = false;
  reached_ = in_flight_ >= limit_;
}

}  // namespace penstock

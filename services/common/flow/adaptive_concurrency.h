#pragma once

#include <cstdint>
#include <optional>

#include "services/common/core/clock.h"

// How many requests may be in flight towards one destination, found out from how it answers: the
// limit grows by one while answers stay quick, and shrinks by a tenth when the destination pushes
// back or slows down. After Vector's adaptive request concurrency, with guards that a simulation
// showed to be needed (see Adjust in the .cpp).
namespace penstock {

// What the end of one attempt says about the load that the destination bears.
enum class LoadSignal : uint8_t {
  kOk,            // a usual answer: its round trip counts
  kBackPressure,  // 429, 5xx, a timeout, no connection
  kNeutral,       // says nothing (never sent, an unusual size): neither round trip nor push-back
};

struct AdaptiveConcurrencyOptions {
  uint32_t initial_limit = 1;  // of a lane that ran before: its last limit
  uint32_t max_limit = 200;
  double decrease_ratio = 0.9;
  double smoothing = 0.4;            // weight of the newest window in the running mean
  double deviations = 2.5;           // slower than mean + this many deviations counts as slow
  double equality_band = 0.02;       // round trips that differ by less are equal
  double slow_ratio = 2.0;           // slower than this many times the quickest counts as slow
  double min_growth_per_s = 0.0005;  // the quickest round trip is forgotten at this rate
  uint32_t hold_windows = 5;         // no growth for so many windows after a push-back
};

// Thread-confined. Permits must not outlive it.
class AdaptiveConcurrency {
 public:
  // One request in flight. Gives its place back at the latest when it is destroyed.
  class Permit {
   public:
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { Release(); }
    // The attempt ended at `now`. Called at most once.
    void Finish(LoadSignal signal, BootTime now);

   private:
    friend class AdaptiveConcurrency;
    Permit(AdaptiveConcurrency* owner, BootTime start) : owner_(owner), start_(start) {}
    void Release();
    AdaptiveConcurrency* owner_;
    BootTime start_;
  };

  explicit AdaptiveConcurrency(const AdaptiveConcurrencyOptions& options = {});
  AdaptiveConcurrency(const AdaptiveConcurrency&) = delete;
  AdaptiveConcurrency& operator=(const AdaptiveConcurrency&) = delete;

  // nullopt when the limit is reached.
  std::optional<Permit> TryAcquire(BootTime now);
  bool HasRoom() const { return in_flight_ < limit_; }
  // The usual request changed (another size): what was learned about round trips no longer holds.
  void ForgetRoundTrips();

  uint32_t limit() const { return limit_; }
  uint32_t in_flight() const { return in_flight_; }
  // The running mean; zero before the first answer.
  Duration round_trip() const;

 private:
  void End(BootTime start, LoadSignal signal, BootTime now);
  void Adjust(BootTime now);
  void StartWindow(BootTime now);

  AdaptiveConcurrencyOptions options_;
  uint32_t limit_;
  uint32_t in_flight_ = 0;
  // The window that runs.
  bool reached_ = false, back_pressure_ = false;
  double sum_s_ = 0;
  uint32_t samples_ = 0;
  BootTime next_adjust_{};
  // What was learned, in seconds.
  bool known_ = false;
  double mean_s_ = 0, variance_ = 0, min_s_ = 0;
  BootTime min_updated_{};
  uint32_t hold_ = 0;
};

}  // namespace penstock

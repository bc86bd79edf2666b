#include "services/common/flow/adaptive_concurrency.h"

#include <gtest/gtest.h>

#include <functional>
#include <queue>
#include <vector>

#include "services/common/core/random.h"

namespace penstock {
namespace {

using std::chrono::duration_cast;

// A closed loop: `workers` senders that send again as soon as they were answered, against a
// destination described by how long it takes and whether it pushes back at a number in flight.
class Simulation {
 public:
  struct Answer {
    double seconds;
    LoadSignal signal = LoadSignal::kOk;
  };
  using Destination = std::function<Answer(uint32_t in_flight, Random& random)>;

  Simulation(uint32_t workers, Destination destination, AdaptiveConcurrencyOptions options = {})
      : control_(options), workers_(workers), destination_(std::move(destination)) {}

  void Run(double seconds) {
    const BootTime end = now_ + Time(seconds);
    double weighted = 0;
    const BootTime begin = now_;
    for (;;) {
      while (flying_.size() < workers_ && Send()) {
      }
      if (flying_.empty() || flying_.top()->at > end) break;
      weighted +=
          control_.limit() * std::chrono::duration<double>(flying_.top()->at - now_).count();
      Land();
    }
    mean_limit_ = weighted / std::chrono::duration<double>(now_ - begin).count();
  }

  AdaptiveConcurrency& control() { return control_; }
  double mean_limit() const { return mean_limit_; }
  uint64_t pushed_back() const { return pushed_back_; }
  uint64_t answered() const { return answered_; }
  void set_workers(uint32_t workers) { workers_ = workers; }

 private:
  struct Flight {
    BootTime at;
    LoadSignal signal;
    AdaptiveConcurrency::Permit permit;
  };
  struct Later {
    bool operator()(const std::shared_ptr<Flight>& a, const std::shared_ptr<Flight>& b) const {
      return a->at > b->at;
    }
  };

  static Duration Time(double seconds) {
    return duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }
  bool Send() {
    auto permit = control_.TryAcquire(now_);
    if (!permit) return false;
    const Answer answer = destination_(control_.in_flight(), random_);
    flying_.push(std::make_shared<Flight>(
        Flight{now_ + Time(answer.seconds), answer.signal, std::move(*permit)}));
    return true;
  }
  void Land() {
    auto flight = flying_.top();
    flying_.pop();
    now_ = flight->at;
    (flight->signal == LoadSignal::kOk ? answered_ : pushed_back_)++;
    flight->permit.Finish(flight->signal, now_);
  }

  SeededRandom random_{7};
  AdaptiveConcurrency control_;
  uint32_t workers_;
  Destination destination_;
  BootTime now_{std::chrono::hours(1)};
  std::priority_queue<std::shared_ptr<Flight>, std::vector<std::shared_ptr<Flight>>, Later> flying_;
  uint64_t answered_ = 0, pushed_back_ = 0;
  double mean_limit_ = 0;
};

TEST(AdaptiveConcurrency, GrowsWhileAnswersStayQuick) {
  Simulation sim(1000,
                 [](uint32_t, Random& r) { return Simulation::Answer{0.1 + 0.001 * r.Uniform()}; });
  sim.Run(60);
  EXPECT_GT(sim.control().limit(), 100u);
  EXPECT_LE(sim.control().limit(), 200u);
}

TEST(AdaptiveConcurrency, StaysWhereItIsWhenLittleIsOffered) {
  AdaptiveConcurrencyOptions options;
  options.initial_limit = 20;
  Simulation sim(
      5, [](uint32_t, Random& r) { return Simulation::Answer{0.1 + 0.01 * r.Uniform()}; }, options);
  sim.Run(300);
  EXPECT_EQ(sim.control().limit(), 20u);
}

TEST(AdaptiveConcurrency, SettlesAtWhatTheDestinationTakes) {
  Simulation sim(1000, [](uint32_t in_flight, Random&) {
    return in_flight > 8 ? Simulation::Answer{0.1, LoadSignal::kBackPressure}
                         : Simulation::Answer{0.1};
  });
  sim.Run(120);
  EXPECT_GT(sim.mean_limit(), 4);
  EXPECT_LT(sim.mean_limit(), 11);
  // Of what is sent, far most is taken.
  EXPECT_LT(sim.pushed_back() * 5, sim.answered());
}

TEST(AdaptiveConcurrency, DoesNotFollowAQueueThatGrowsWithIt) {
  // Beyond eight in flight the destination queues: the round trip grows with the load and nothing
  // is gained.
  Simulation sim(1000, [](uint32_t in_flight, Random& r) {
    return Simulation::Answer{0.1 * std::max(1.0, in_flight / 8.0) * (0.98 + 0.04 * r.Uniform())};
  });
  sim.Run(600);
  EXPECT_LT(sim.mean_limit(), 25);
  EXPECT_GE(sim.mean_limit(), 7);
}

TEST(AdaptiveConcurrency, HoldsGrowthForFiveWindowsAfterPushBack) {
  AdaptiveConcurrencyOptions options;
  options.initial_limit = 10;
  AdaptiveConcurrency control(options);
  BootTime now{std::chrono::seconds(1)};
  auto window = [&](LoadSignal signal) {
    std::vector<AdaptiveConcurrency::Permit> permits;
    while (auto permit = control.TryAcquire(now)) permits.push_back(std::move(*permit));
    now += std::chrono::milliseconds(100);
    for (auto& permit : permits) permit.Finish(signal, now);
  };
  window(LoadSignal::kOk);
  window(LoadSignal::kOk);
  const uint32_t before = control.limit();
  window(LoadSignal::kBackPressure);
  window(LoadSignal::kOk);
  const uint32_t shrunk = control.limit();
  EXPECT_LT(shrunk, before);
  for (int i = 0; i < 4; ++i) {
    window(LoadSignal::kOk);
    EXPECT_EQ(control.limit(), shrunk) << "window " << i;
  }
  for (int i = 0; i < 3; ++i) window(LoadSignal::kOk);
  EXPECT_GT(control.limit(), shrunk);
}

TEST(AdaptiveConcurrency, ShrinksBeforeTheFirstAnswerToo) {
  AdaptiveConcurrencyOptions options;
  options.initial_limit = 100;
  AdaptiveConcurrency control(options);
  BootTime now{std::chrono::seconds(1)};
  for (int i = 0; i < 60; ++i) control.TryAcquire(now)->Finish(LoadSignal::kBackPressure, now);
  EXPECT_EQ(control.limit(), 1u);
}

TEST(AdaptiveConcurrency, ADroppedPermitFreesItsPlace) {
  AdaptiveConcurrency control;
  const BootTime now{std::chrono::seconds(1)};
  {
    auto permit = control.TryAcquire(now);
    ASSERT_TRUE(permit);
    EXPECT_FALSE(control.TryAcquire(now));
    AdaptiveConcurrency::Permit moved = std::move(*permit);
    EXPECT_EQ(control.in_flight(), 1u);
  }
  EXPECT_EQ(control.in_flight(), 0u);
  EXPECT_TRUE(control.TryAcquire(now));
}

}  // namespace
}  // namespace penstock

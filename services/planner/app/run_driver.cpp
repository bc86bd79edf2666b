#include "services/planner/app/run_driver.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/client_call.h"
#include "services/planner/app/facts.h"

namespace penstock::planner {

namespace asio = boost::asio;
using StateAsync = pb::PlanningService::StubInterface::async_interface;
using LoaderAsync = pb::LoaderService::StubInterface::async_interface;

namespace {

constexpr int kDueAtOnce = 100;
constexpr auto kRetryWatch = std::chrono::milliseconds(200);
// After this another replica of state is watched, so that new ones get their part.
constexpr auto kWatchAge = std::chrono::seconds(30);
constexpr auto kLongestSleep = std::chrono::seconds(30);

std::string StreamPrefix(const pb::RunFacts& facts) {
  return facts.run().id() + "/" + std::to_string(facts.read());
}

}  // namespace

RunDriver::RunDriver(asio::any_io_executor strand, Options options,
                     pb::PlanningService::StubInterface& state,
                     pb::LoaderService::StubInterface& loader, Workers& loaders, WorkQueue& queue,
                     const RedisWatch& redis, Metrics& metrics)
    : strand_(std::move(strand)),
      options_(options),
      state_(state),
      loader_(loader),
      loaders_(loaders),
      queue_(queue),
      redis_(redis),
      metrics_(metrics),
      next_claim_(strand_) {}

void RunDriver::Start() {
  asio::post(strand_, [self = shared_from_this()] { self->Watch(); });
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->ReconcileLoop(); }, asio::detached);
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->ClaimLoop(); }, asio::detached);
}

void RunDriver::Stop() {
  asio::post(strand_, [self = shared_from_this()] {
    self->stopped_ = true;
    if (self->watch_ != nullptr) self->watch_->Cancel();
    for (asio::steady_timer* timer : self->sleeping_) timer->cancel();
    self->next_claim_.cancel();
  });
}

asio::awaitable<void> RunDriver::Sleep(std::chrono::nanoseconds time) {
  asio::steady_timer timer(strand_, time);
  sleeping_.insert(&timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  sleeping_.erase(&timer);
}

void RunDriver::Watch() {
  if (stopped_) return;
  const uint64_t number = ++watches_;
  watching_since_ = BootClock::now();
  const auto old = watch_;
  using Stream = ClientStream<pb::WatchRunsRequest, pb::WatchRunsResponse>;
  watch_ = Stream::Start(
      [this](auto* context, auto* request, auto* reactor) {
        state_.async()->WatchRuns(context, request, reactor);
      },
      pb::WatchRunsRequest(), ClientCallOptions{.timeout = std::nullopt},
      {.message =
           [self = shared_from_this()](pb::WatchRunsResponse message) {
             asio::post(self->strand_,
                        [self, facts = std::move(*message.mutable_facts())]() mutable {
                          self->Spawn(std::move(facts));
                        });
           },
       .done =
           [self = shared_from_this(), number](const absl::Status&) {
             // State's replica went away or drains: watch another one.
             asio::co_spawn(
                 self->strand_,
                 [self, number]() -> asio::awaitable<void> {
                   if (number != self->watches_) co_return;  // it was replaced
                   co_await self->Sleep(kRetryWatch);
                   self->Watch();
                 },
                 asio::detached);
           }});
  if (old != nullptr) old->Cancel();
}

void RunDriver::Spawn(pb::RunFacts facts) {
  const std::string id = facts.run().id();
  if (stopped_) return;
  if (driving_.contains(id)) {
    newer_[id] = std::move(facts);
    return;
  }
  driving_.insert(id);
  asio::co_spawn(
      strand_,
      [self = shared_from_this(), id, facts = std::move(facts)]() mutable -> asio::awaitable<void> {
        co_await self->Drive(std::move(facts));
        self->driving_.erase(id);
        if (auto newer = self->newer_.extract(id)) self->Spawn(std::move(newer.mapped()));
      },
      asio::detached);
}

asio::awaitable<void> RunDriver::Drive(pb::RunFacts facts) {
  for (;;) {
    if (facts.task_waiting()) {
      PENSTOCK_TESTPOINT("planner.before_ticket");
      if (absl::Status posted = co_await queue_.PostTicket(); !posted.ok()) {
        LogWarning("ticket_failed", "a task waits without its ticket", posted,
                   {{"run", facts.run().id()}});
      }
    }
    RunFacts known = ToDomain(facts);
    known.batches_lost = co_await BatchesLost(facts);
    const std::optional<Decision> decision = Decide(known, options_.policy);
    if (!decision.has_value() || decision->event != Event::kTestDestination)
      loaders_.RunServed(facts.run().id());
    if (!decision.has_value()) co_return;
    Decision step = *decision;
    if (step.event == Event::kTestDestination) {
      if (!co_await TestDestination(facts)) co_return;
      step.event = Event::kResume;
    }
    PENSTOCK_TESTPOINT("planner.before_transition");
    const ClientCallOptions call_options{.timeout = options_.call_timeout};
    auto moved = co_await CallUnary(state_.async(), &StateAsync::Transition, ToRequest(facts, step),
                                    call_options);
    PENSTOCK_TESTPOINT("planner.after_transition");
    if (!moved.ok()) {
      // Another planner was quicker, or state is away: the next notice or look finds what is to do.
      if (CodeOf(moved.status()) != ErrorCode::kSTALE_REVISION) {
        LogWarning("transition_failed", "a run was not moved", moved.status(),
                   {{"run", facts.run().id()}});
      }
      co_return;
    }
    const Phase phase = ToDomain(moved->facts()).phase;
    if (phase == Phase::kTerminal) ClaimSoon();
    if (moved->facts().read() != facts.read() || phase == Phase::kTerminal ||
        phase == Phase::kParked) {
      const auto run = Uuid::Parse(facts.run().id());
      if (run.ok() && facts.read() > 0) {
        const StreamId stream{facts.destination(), *run, facts.read(), facts.run().sync()};
        (co_await queue_.Close(stream)).IgnoreError();  // else the reconciler closes it
      }
    }
    facts = std::move(*moved->mutable_facts());
  }
}

asio::awaitable<bool> RunDriver::BatchesLost(const pb::RunFacts& facts) {
  const std::string id = facts.run().id();
  // While a task is at work its spool may hold what is pending.
  if (facts.pending() == 0 || facts.open_grants() > 0 || !facts.tasks_done()) {
    without_batches_.erase(id);
    co_return false;
  }
  const auto run = Uuid::Parse(id);
  if (!run.ok()) co_return false;
  const StreamId stream{facts.destination(), *run, facts.read(), facts.run().sync()};
  const auto length = co_await queue_.Length(stream);
  if (!length.ok() || length->value_or(0) > 0) {
    without_batches_.erase(id);
    co_return false;
  }
  const auto [seen, is_new] = without_batches_.insert_or_assign(id, facts.read());
  // The first time, a report that settles the last batch may still be on its way.
  co_return !is_new && seen->second == facts.read();
}

asio::awaitable<bool> RunDriver::TestDestination(const pb::RunFacts& facts) {
  if (!loaders_.Reachable()) {
    loaders_.RunWaits(facts.run().id());
    co_return false;
  }
  loaders_.RunServed(facts.run().id());
  BootTime& tested = tested_[facts.run().id()];
  if (tested != BootTime() && BootClock::now() - tested < options_.test_interval) co_return false;
  tested = BootClock::now();
  pb::ListResourcesRequest list;
  list.set_kind("Destination");
  list.set_name(facts.destination());
  const ClientCallOptions call{.timeout = options_.call_timeout};
  const auto destination =
      co_await CallUnary(state_.async(), &StateAsync::ListResources, list, call);
  if (!destination.ok() || destination->resources().empty()) co_return false;
  pb::TestDestinationRequest test;
  *test.mutable_destination() = destination->resources(0).destination();
  list.set_kind("Connector");
  list.set_name(test.destination().connector());
  const auto connector = co_await CallUnary(state_.async(), &StateAsync::ListResources, list, call);
  if (!connector.ok() || connector->resources().empty()) co_return false;
  *test.mutable_connector() = connector->resources(0).connector();
  const auto result =
      co_await CallUnary(loader_.async(), &LoaderAsync::TestDestination, test, call);
  const bool ok = result.ok() && result->ok();
  LogInfo("destination_tested",
          ok ? "a destination that was down answers again" : "a destination is still down",
          {{"destination", facts.destination()}, {"run", facts.run().id()}});
  if (ok) tested_.erase(facts.run().id());
  co_return ok;
}

asio::awaitable<void> RunDriver::ReconcileLoop() {
  while (!stopped_) {
    pb::ReconcileRequest request;
    if (auto incarnation = co_await queue_.Incarnation(); incarnation.ok()) {
      request.set_redis_incarnation(*incarnation);
    }
    const ClientCallOptions call_options{.timeout = options_.call_timeout};
    auto response =
        co_await CallUnary(state_.async(), &StateAsync::Reconcile, request, call_options);
    healthy_ = response.ok();
    if (response.ok()) {
      std::set<std::string> active;
      for (pb::RunFacts& facts : *response->mutable_facts()) {
        active.insert(StreamPrefix(facts));
        Spawn(std::move(facts));
      }
      co_await MeasureBacklog(std::move(active));
    } else if (!stopped_) {
      LogWarning("reconcile_failed", "runs could not be looked over", response.status());
    }
    if (BootClock::now() - watching_since_ > kWatchAge) Watch();
    co_await Sleep(options_.reconcile_interval);
  }
}

asio::awaitable<std::optional<std::map<std::string, int64_t>>> RunDriver::LookOverStreams(
    std::set<std::string> active) {
  const auto open = co_await queue_.OpenStreams();
  if (!open.ok()) co_return std::nullopt;
  std::map<std::string, int64_t> batches;
  for (const StreamId& stream : *open) {
    bool over = !active.contains(stream.run.ToString() + "/" + std::to_string(stream.read));
    if (over) over = co_await IsOver(stream);
    if (over) {
      (co_await queue_.Close(stream)).IgnoreError();  // else the next look does
      continue;
    }
    const auto length = co_await queue_.Length(stream);
    if (length.ok()) batches[stream.destination] += length->value_or(0);
  }
  co_return batches;
}

asio::awaitable<void> RunDriver::MeasureBacklog(std::set<std::string> active) {
  const auto tickets = co_await queue_.Tickets();
  const auto bytes = co_await queue_.BytesByDestination();
  const auto batches = co_await LookOverStreams(std::move(active));
  if (!tickets.ok() || !bytes.ok() || !batches.has_value()) {
    Tell(std::nullopt);
    co_return;
  }
  const RedisMemory memory = redis_.memory();
  penstock::v1::Backlog backlog;
  backlog.set_task_tickets(*tickets);
  backlog.mutable_batches()->insert(batches->begin(), batches->end());
  backlog.set_memory_used_bytes(static_cast<int64_t>(memory.used_bytes));
  backlog.set_memory_limit_bytes(static_cast<int64_t>(memory.limit_bytes));
  metrics_.GetGauge("penstock_task_tickets").Set(static_cast<double>(*tickets));
  metrics_.GetGauge("penstock_redis_memory_used_bytes").Set(static_cast<double>(memory.used_bytes));
  metrics_.GetGauge("penstock_redis_memory_limit_bytes")
      .Set(static_cast<double>(memory.limit_bytes));
  std::vector<GaugeValue> waiting_batches, waiting_bytes;
  for (const auto& [destination, count] : *batches)
    waiting_batches.push_back({{destination}, static_cast<double>(count)});
  for (const auto& [destination, count] : *bytes)
    waiting_bytes.push_back({{destination}, static_cast<double>(count)});
  metrics_.SetGauges("penstock_backlog_batches", waiting_batches);
  metrics_.SetGauges("penstock_backlog_bytes", waiting_bytes);
  Tell(std::move(backlog));
}

void RunDriver::Tell(std::optional<penstock::v1::Backlog> backlog) {
  const std::lock_guard lock(backlog_mutex_);
  backlog_ = std::move(backlog);
}

std::optional<penstock::v1::Backlog> RunDriver::backlog() const {
  const std::lock_guard lock(backlog_mutex_);
  return backlog_;
}

// A read that began after the look is not known here: only what state calls over is.
asio::awaitable<bool> RunDriver::IsOver(const StreamId& stream) {
  pb::GetRunRequest get;
  get.set_run_id(stream.run.ToString());
  const ClientCallOptions call_options{.timeout = options_.call_timeout};
  const auto run = co_await CallUnary(state_.async(), &StateAsync::GetRun, get, call_options);
  if (!run.ok()) co_return CodeOf(run.status()) == ErrorCode::kRESOURCE_NOT_FOUND;
  co_return ToDomain(run->facts()).phase == Phase::kTerminal || run->facts().read() > stream.read;
}

void RunDriver::ClaimSoon() {
  claim_soon_ = true;
  next_claim_.cancel();
}

asio::awaitable<void> RunDriver::ClaimLoop() {
  while (!stopped_) {
    claim_soon_ = false;
    pb::ClaimDueRequest request;
    request.set_limit(kDueAtOnce);
    const ClientCallOptions call_options{.timeout = options_.call_timeout};
    auto response =
        co_await CallUnary(state_.async(), &StateAsync::ClaimDue, request, call_options);
    std::chrono::nanoseconds wait = options_.reconcile_interval;
    if (response.ok()) {
      if (response->facts_size() > 0) PENSTOCK_TESTPOINT("planner.claimed");
      for (pb::RunFacts& facts : *response->mutable_facts()) Spawn(std::move(facts));
      wait = kLongestSleep;
      if (response->has_next_due_ms()) {
        wait = std::min<std::chrono::nanoseconds>(
            wait, std::chrono::milliseconds(response->next_due_ms() + 1));
      }
      // A Sync that is applied meanwhile may be due sooner.
      wait = std::min(wait, options_.reconcile_interval);
    }
    if (claim_soon_ || stopped_) continue;
    next_claim_.expires_after(wait);
    boost::system::error_code ignored;
    co_await next_claim_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace penstock::planner

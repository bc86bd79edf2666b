#include "services/loader/app/destination_feed.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/client_call.h"
#include "services/loader/app/park_account.h"

namespace penstock::loader {
namespace {

// The encoded size of a usual batch: what each sync may take in a round.
constexpr int64_t kQuantum = 128 << 10;
// How long state or a setting is left alone that could not be had.
constexpr auto kPatience = std::chrono::seconds(1);
// How soon a batch asks again whose run is at its limit by other loaders.
constexpr auto kLimitPause = std::chrono::milliseconds(50);

std::string KeyOf(const StreamId& stream, const std::string& entry) {
  return absl::StrCat(stream.ToString(), "#", entry);
}

}  // namespace

DestinationFeed::DestinationFeed(LoaderWorld& world, std::string destination,
                                 std::function<uint64_t()> max_bytes)
    : world_(world),
      destination_(std::move(destination)),
      max_bytes_(std::move(max_bytes)),
      turns_(kQuantum),
      changed_(world.tasks.executor()),
      stopping_(world.tasks.executor()),
      left_run_(world.tasks.executor()) {
  world_.tasks.Spawn(TakeBatches());
  world_.tasks.Spawn(TouchEntries());
}

void DestinationFeed::Offer(const std::vector<StreamId>& ready) {
  for (const StreamId& stream : ready) {
    const std::string name = stream.ToString();
    streams_[name] = stream;
    turns_.Add(name);
  }
  changed_.Notify();
}

void DestinationFeed::Stop() {
  stopped_ = true;
  for (const auto& [key, lane] : lanes_) lane->Stop();
  changed_.Notify();
  stopping_.Notify();
  left_run_.Notify();
}

bool DestinationFeed::HasRoom() const {
  return entries_.size() < static_cast<size_t>(world_.settings.destination_batches) &&
         (entries_.empty() || bytes_ < max_bytes_());
}

asio::awaitable<void> DestinationFeed::TakeBatches() {
  BootTime claimed = BootClock::now();
  while (!stopped_) {
    if (BootClock::now() - claimed > world_.settings.claim_idle / 2) {
      claimed = BootClock::now();
      co_await ClaimLost();
    }
    const bool took = !stopped_ && HasRoom() && co_await TakeOne();
    if (!took && !stopped_) co_await changed_.WaitFor(world_.settings.poll_interval);
  }
}

asio::awaitable<bool> DestinationFeed::TakeOne() {
  const std::optional<std::string> name = turns_.Next();
  if (!name) co_return false;
  const StreamId stream = streams_.at(*name);
  auto taken = co_await world_.queue.Take(stream, world_.consumer, 1);
  if (!taken.ok()) {
    LogWarning("take_failed", "tries again", taken.status(), {{"destination", destination_}});
    co_return false;
  }
  if (taken->empty()) {
    turns_.Remove(*name);
    streams_.erase(*name);
    co_return true;
  }
  turns_.Charge(*name, static_cast<int64_t>(taken->front().body.size()));
  Accept(stream, std::move(taken->front()));
  co_return true;
}

// Batches whose loader died, or that were left for later.
asio::awaitable<void> DestinationFeed::ClaimLost() {
  auto ready = co_await world_.queue.ReadyStreams();
  if (!ready.ok()) co_return;
  for (const StreamId& stream : *ready) {
    if (stream.destination != destination_) continue;
    while (HasRoom() && !stopped_) {
      auto claimed = co_await world_.queue.Claim(
          stream, world_.consumer,
          std::chrono::duration_cast<milliseconds>(world_.settings.claim_idle), 1);
      if (!claimed.ok() || claimed->empty()) break;
      Accept(stream, std::move(claimed->front()));
    }
  }
}

asio::awaitable<void> DestinationFeed::TouchEntries() {
  while (!stopped_) {
    co_await stopping_.WaitFor(world_.settings.claim_idle / 3);
    std::vector<Entry> mine;
    for (const auto& [key, entry] : entries_) mine.push_back(entry);
    for (const Entry& entry : mine) {
      if (entries_.contains(KeyOf(entry.stream, entry.id))) {
        // A failure costs at most a question of another loader.
        std::ignore = co_await world_.queue.Touch(entry.stream, world_.consumer, entry.id);
      }
    }
  }
}

void DestinationFeed::Accept(const StreamId& stream, TakenBatch taken) {
  PENSTOCK_TESTPOINT("loader.taken");
  Entry entry{stream, std::move(taken.entry), taken.body.size()};
  if (!entries_.emplace(KeyOf(stream, entry.id), entry).second) return;  // it is being delivered
  bytes_ += entry.bytes;
  world_.memory.Add(static_cast<double>(entry.bytes));
  world_.tasks.Spawn(Deliver(std::move(entry), std::move(taken.body)));
}

asio::awaitable<void> DestinationFeed::Deliver(Entry entry, std::string body) {
  auto batch = Batch::Decode(body);
  std::string().swap(body);
  EntryFate fate = EntryFate::kSettle;
  if (!batch.ok()) {
    // Its records stay pending; state notices that they are nowhere and has them read again.
    LogError("batch_corrupt", "dropped from the queue", batch.status(),
             {{"sync", entry.stream.sync}, {"run", entry.stream.run.ToString()}});
  } else {
    do {
      fate = co_await DeliverBatch(*batch);
      if (fate == EntryFate::kLater) co_await Pause(kLimitPause);
    } while ((fate == EntryFate::kAgain || fate == EntryFate::kLater) && !stopped_);
  }
  if (fate == EntryFate::kSettle) {
    const absl::Status settled = co_await world_.queue.Settle(entry.stream, entry.id, entry.bytes);
    // It will be claimed, and state says that it is settled.
    if (!settled.ok()) LogWarning("settle_failed", "left in the queue", settled);
  }
  bytes_ -= entry.bytes;
  world_.memory.Add(-static_cast<double>(entry.bytes));
  entries_.erase(KeyOf(entry.stream, entry.id));
  changed_.Notify();
}

asio::awaitable<EntryFate> DestinationFeed::DeliverBatch(const Batch& batch) {
  auto plan = co_await FindPlan(batch.header().id);
  if (!plan.ok()) {
    if (CodeOf(plan.status()) == ErrorCode::kRESOURCE_NOT_FOUND) co_return EntryFate::kSettle;
    if (!stopped_) co_await ParkForUser(plan.status());
    co_return EntryFate::kLeave;
  }
  const Uuid run = batch.header().id.run;
  if (!co_await EnterRun(run, (*plan)->sync().delivery.max_in_flight)) co_return EntryFate::kLeave;
  LaneRunner& lane = LaneOf(**plan);
  lane.Meet(run, batch.header().id.read);
  BatchDelivery delivery(world_, lane, *plan, batch);
  const EntryFate fate = co_await delivery.Run();
  LeaveRun(run);
  if (fate == EntryFate::kPark) {
    co_await ParkForUser(delivery.problem());
    co_return EntryFate::kLeave;
  }
  co_return fate;
}

// State holds the limit over all loaders; without one here too, most would ask in vain.
asio::awaitable<bool> DestinationFeed::EnterRun(const Uuid& run,
                                                std::optional<uint32_t> max_in_flight) {
  while (!stopped_ && max_in_flight && under_way_[run] >= *max_in_flight) co_await left_run_.Wait();
  if (stopped_) co_return false;
  ++under_way_[run];
  co_return true;
}

void DestinationFeed::LeaveRun(const Uuid& run) {
  if (--under_way_[run] == 0) under_way_.erase(run);
  left_run_.Notify();
}

asio::awaitable<void> DestinationFeed::Pause(Duration length) {
  Signal never(world_.tasks.executor());
  co_await never.WaitFor(length);
}

asio::awaitable<absl::StatusOr<std::shared_ptr<ReadPlan>>> DestinationFeed::FindPlan(
    const BatchId& id) {
  while (true) {
    auto plan = co_await world_.reads.Find(id.run, id.read);
    if (plan.ok() || stopped_ || OwnerOf(*CodeOf(plan.status())) == Owner::kUser) co_return plan;
    LogWarning("read_unknown", "waits", plan.status(), {{"batch", id.ToString()}});
    co_await Pause(kPatience);
  }
}

LaneRunner& DestinationFeed::LaneOf(const ReadPlan& plan) {
  const std::string& account = plan.destination().Account();
  std::string key = account;
  LaneWorld lane{.account = account,
                 .limits = LimitsOf(plan.connector().quotas),
                 .quota = &world_.quota,
                 .slot_margin = world_.settings.grant_margin,
                 .destination = destination_,
                 .metrics = &world_.metrics};
  for (const auto& [name, quota] : plan.connector().quotas) {
    absl::StrAppend(&key, "/", name, ":", quota.requests, ":", quota.per.count(), ":", quota.share,
                    ":", quota.concurrency);
  }
  std::unique_ptr<LaneRunner>& slot = lanes_[key];
  if (!slot) {
    lane.refresh = [this] { return world_.reads.Refresh(destination_); };
    lane.holder = absl::StrCat(world_.consumer, "/", destination_, "/", lanes_.size());
    lane.charge = [this, account, windows = lane.limits.long_windows](int64_t attempts) {
      return ChargeQuota(account, windows, attempts);
    };
    lane.park = [this, account](const LanePark& park) { return Park(account, park); };
    const LoaderSettings& settings = world_.settings;
    LaneOptions options;
    options.concurrency.initial_limit = static_cast<uint32_t>(settings.initial_concurrency);
    options.concurrency.max_limit = static_cast<uint32_t>(settings.max_concurrency);
    for (const QuotaSlots& limit : lane.limits.slots) {
      options.concurrency.max_limit =
          static_cast<uint32_t>(std::min<int64_t>(options.concurrency.max_limit, limit.slots));
    }
    options.concurrency.initial_limit =
        std::min(options.concurrency.initial_limit, options.concurrency.max_limit);
    options.breaker.first_open = settings.breaker_open;
    options.backoff = {.base = settings.retry_base, .cap = settings.retry_cap};
    options.park_after_failing = settings.park_after_failing;
    options.park_for = settings.park_for;
    options.has_quota = lane.limits.has_windows();
    slot = std::make_unique<LaneRunner>(world_.tasks, options, std::move(lane));
  }
  return *slot;
}

asio::awaitable<absl::StatusOr<QuotaLease>> DestinationFeed::ChargeQuota(
    const std::string& account, const std::vector<QuotaWindow>& windows, int64_t attempts) {
  pb::ChargeQuotaRequest request;
  request.set_account(account);
  request.set_attempts(attempts);
  for (const QuotaWindow& window : windows) {
    pb::QuotaWindow& out = *request.add_windows();
    out.set_name(window.name);
    out.set_requests(window.requests);
    out.set_per_ms(window.per.count());
  }
  const ClientCallOptions options{.timeout = world_.settings.state.call_timeout};
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const pb::ChargeQuotaResponse charged,
      co_await CallUnary(world_.state.async(),
                         &pb::DeliveryService::StubInterface::async_interface::ChargeQuota, request,
                         options));
  co_return QuotaLease{charged.attempts(),
                       std::chrono::milliseconds(charged.wait_ms()),
                       charged.window(),
                       {charged.used().begin(), charged.used().end()}};
}

asio::awaitable<void> DestinationFeed::ParkForUser(absl::Status problem) {
  co_await Park(world_.reads.AccountOf(destination_), {.reason = ParkReason::kUserMustFix,
                                                       .code = *CodeOf(problem),
                                                       .message = std::string(problem.message())});
}

asio::awaitable<void> DestinationFeed::Park(std::string account, LanePark park) {
  LogWarning("account_parked", "its runs wait", Error(park.code, park.message),
             {{"account", account}, {"destination", destination_}});
  const pb::ParkAccountRequest request = ParkRequest(account, destination_, park);
  const ClientCallOptions options{.timeout = world_.settings.state.call_timeout};
  while (!stopped_) {
    const auto parked = co_await CallUnary(
        world_.state.async(), &pb::DeliveryService::StubInterface::async_interface::ParkAccount,
        request, options);
    if (parked.ok()) co_return;
    LogWarning("park_failed", "tries again", parked.status(), {{"account", account}});
    co_await Pause(kPatience);
  }
}

}  // namespace penstock::loader

#include "services/loader/app/read_book.h"

#include "services/common/convert/resources.h"
#include "services/common/core/status.h"
#include "services/common/obs/log.h"
#include "services/common/rpc/client_call.h"

namespace penstock::loader {
namespace {

// Reads whose plans are kept; a forgotten one is asked again.
constexpr size_t kMaxEntries = 256;

}  // namespace

asio::awaitable<absl::StatusOr<std::shared_ptr<ReadPlan>>> ReadBook::Find(Uuid run, uint32_t read) {
  const std::pair key(run, read);
  if (const auto it = entries_.find(key); it != entries_.end()) {
    const BootTime now = BootClock::now();
    if (now - it->second.asked < settings_.connection_refresh) co_return it->second.plan;
    it->second.asked = now;  // one asks, the others go on with what is known
  }
  co_return co_await Ask(run, read);
}

asio::awaitable<absl::StatusOr<std::shared_ptr<ReadPlan>>> ReadBook::Ask(Uuid run, uint32_t read) {
  const std::pair key(run, read);
  pb::DescribeReadRequest request;
  request.set_run_id(std::string(run.raw()));
  request.set_read(read);
  const BootTime asked = BootClock::now();
  const ClientCallOptions options{.timeout = settings_.state.call_timeout};
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      pb::DescribeReadResponse described,
      co_await CallUnary(state_.async(),
                         &pb::DeliveryService::StubInterface::async_interface::DescribeRead,
                         request, options));
  PENSTOCK_CO_ASSIGN_OR_RETURN(std::shared_ptr<ReadPlan> plan, MakePlan(described));
  const auto known = entries_.find(key);
  const bool same = known != entries_.end() &&
                    known->second.plan->connection() == plan->connection() &&
                    known->second.described.SerializeAsString() == described.SerializeAsString();
  if (same) {
    known->second.asked = asked;
    co_return known->second.plan;
  }
  if (known == entries_.end()) {
    LogInfo("delivery_begun", "works on a read",
            {{"run", run.ToString()},
             {"sync", plan->sync().meta.name},
             {"read", read},
             {"destination", plan->destination().meta.name}});
  }
  if (entries_.size() >= kMaxEntries) entries_.clear();
  entries_[key] = {plan, std::move(described), asked};
  co_return plan;
}

asio::awaitable<void> ReadBook::Refresh(const std::string& destination) {
  std::vector<std::pair<Uuid, uint32_t>> keys;
  for (const auto& [key, entry] : entries_) {
    if (entry.plan->destination().meta.name == destination) keys.push_back(key);
  }
  for (const auto& [run, read] : keys) {
    const auto asked = co_await Ask(run, read);
    if (!asked.ok()) LogWarning("refresh_failed", "keeps the old connection", asked.status());
  }
}

std::string ReadBook::AccountOf(const std::string& destination) const {
  const auto known = accounts_.find(destination);
  return known == accounts_.end() ? destination : known->second;
}

absl::StatusOr<std::shared_ptr<ReadPlan>> ReadBook::MakePlan(
    const pb::DescribeReadResponse& described) {
  Destination destination = FromProto(described.destination());
  accounts_[destination.meta.name] = destination.Account();
  const Connector connector = FromProto(described.connector());
  PENSTOCK_ASSIGN_OR_RETURN(std::shared_ptr<Connection> connection,
                            Connect(connector, destination));
  return std::make_shared<ReadPlan>(FromProto(described.sync()), connector, std::move(destination),
                                    described.epoch(), std::move(connection));
}

// Reads of one destination share its connections as long as nothing about them changed.
absl::StatusOr<std::shared_ptr<Connection>> ReadBook::Connect(const Connector& connector,
                                                              const Destination& destination) {
  const Secrets secrets(settings_.secrets_dir);
  PENSTOCK_ASSIGN_OR_RETURN(ConnectionSettings fresh,
                            ResolveSettings(secrets, connector, destination));
  std::weak_ptr<Connection>& slot = connections_[destination.meta.name];
  if (std::shared_ptr<Connection> known = slot.lock(); known && known->settings == fresh) {
    return known;
  }
  PENSTOCK_ASSIGN_OR_RETURN(
      std::shared_ptr<Connection> made,
      MakeConnection(tasks_.executor(), settings_, std::move(fresh), tokens_));
  slot = made;
  return made;
}

}  // namespace penstock::loader

#include "services/common/process/membership.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "fmt/format.h"
#include "penstock/internal/v1/membership.grpc.pb.h"
#include "services/common/core/clock.h"
#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/core/version.h"
#include "services/common/obs/log.h"
#include "services/common/obs/metrics.h"
#include "services/common/obs/readiness.h"

namespace penstock {
namespace {

namespace pb = internal::v1;
using google::protobuf::util::TimeUtil;

constexpr std::chrono::seconds kInterval{5};
constexpr std::chrono::seconds kTimeout{3};
// A process that ends has nothing to wait for: its report runs out by itself.
constexpr std::chrono::milliseconds kFarewell{500};
// Nothing depends on wall clocks but schedules, logs and dashboards.
constexpr double kApartSeconds = 5;

const WallTime kStart = Clock::System().Wall();

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

google::protobuf::Timestamp ToProto(WallTime time) {
  return TimeUtil::MicrosecondsToTimestamp(time.time_since_epoch().count());
}

struct Release {
  int major = 0;
  int minor = 0;
};

Release ParseRelease(std::string_view text) {
  Release release;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, release.major);
  if (error == std::errc() && rest != end) std::from_chars(rest + 1, end, release.minor);
  return release;
}

}  // namespace

absl::Status CheckReleases(std::string_view service, std::string_view ours,
                           std::string_view theirs) {
  const Release own = ParseRelease(ours), state = ParseRelease(theirs);
  if (own.major == state.major && std::abs(own.minor - state.minor) <= 1) return absl::OkStatus();
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("this {} is of release {}, state of {}; they work together within one "
                           "minor version: upgrade one version after the other",
                           service, ours, theirs));
}

pb::ReportMemberRequest DescribeProcess(ServiceKind service, uint64_t id,
                                        const Readiness& readiness) {
  pb::ReportMemberRequest request;
  request.set_id(id);
  request.set_service(std::string(Name(service)));
  request.set_host(HostName());
  request.set_version(std::string(kVersion));
  *request.mutable_start_time() = ToProto(kStart);
  *request.mutable_now() = ToProto(Clock::System().Wall());
  for (std::string& reason : readiness.Reasons()) request.add_not_ready(std::move(reason));
  return request;
}

struct Membership::Known {
  absl::Status status() const {
    const std::lock_guard lock(mutex);
    return version;
  }
  mutable std::mutex mutex;
  absl::Status version;
};

Membership::Membership(ServiceKind service, const std::shared_ptr<grpc::Channel>& state,
                       Readiness& readiness, Metrics& metrics)
    : service_(service),
      id_(Random::System().Next()),
      readiness_(readiness),
      metrics_(metrics),
      known_(std::make_shared<Known>()),
      thread_([this, state] { Loop(state); }) {
  readiness.Add("version", [known = known_] { return known->status(); });
}

Membership::~Membership() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Membership::Loop(const std::shared_ptr<grpc::Channel>& state) {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    lock.unlock();
    Report(state, /*leaves=*/false);
    lock.lock();
    wake_.wait_for(lock, kInterval, [this] { return closing_; });
  }
  lock.unlock();
  Report(state, /*leaves=*/true);
}

void Membership::Report(const std::shared_ptr<grpc::Channel>& state, bool leaves) {
  pb::ReportMemberRequest request = DescribeProcess(service_, id_, readiness_);
  request.set_leaves(leaves);
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() +
                    (leaves ? kFarewell : std::chrono::milliseconds(kTimeout)));
  pb::ReportMemberResponse response;
  const BootTime sent = BootClock::now();
  const grpc::Status answered =
      pb::MembershipService::NewStub(state)->Report(&call, request, &response);
  // Whether state is there is another check's business.
  if (!answered.ok() || leaves) return;
  const std::chrono::duration<double> took = BootClock::now() - sent;
  const double theirs =
      static_cast<double>(TimeUtil::TimestampToMicroseconds(response.now())) / 1e6;
  const double ours = static_cast<double>(Clock::System().Wall().time_since_epoch().count()) / 1e6;
  Compare(response, ours - took.count() / 2 - theirs);
}

void Membership::Compare(const pb::ReportMemberResponse& response, double offset_seconds) {
  metrics_.GetGauge("penstock_clock_offset_seconds").Set(offset_seconds);
  const bool apart = std::abs(offset_seconds) > kApartSeconds;
  if (apart && !clocks_apart_) {
    LogWarning("clocks_apart",
               "this machine's clock and the database's are apart; times in logs and schedules are "
               "off, nothing else: set the clock",
               {{"offset_seconds", offset_seconds}});
  }
  clocks_apart_ = apart;
  const std::lock_guard lock(known_->mutex);
  known_->version = CheckReleases(Name(service_), kVersion, response.version());
}

}  // namespace penstock

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "penstock/internal/v1/membership.pb.h"
#include "services/common/obs/catalogue.h"

namespace grpc {
class Channel;
}

namespace penstock {

class Metrics;
class Readiness;

// A process as it stands now, for state's list of those that are there.
internal::v1::ReportMemberRequest DescribeProcess(ServiceKind service, uint64_t id,
                                                  const Readiness& readiness);

// Reports this process to state every few seconds, and holds it against what state answers: its
// release may be one minor version away, its clock should not be apart. Has a thread of its own.
class Membership {
 public:
  // Adds the check "version" to `readiness`. Both references outlive it.
  Membership(ServiceKind service, const std::shared_ptr<grpc::Channel>& state, Readiness& readiness,
             Metrics& metrics);
  // Tells state that the process leaves, if that takes no time.
  ~Membership();

 private:
  struct Known;

  void Loop(const std::shared_ptr<grpc::Channel>& state);
  void Report(const std::shared_ptr<grpc::Channel>& state, bool leaves);
  void Compare(const internal::v1::ReportMemberResponse& response, double offset_seconds);

  const ServiceKind service_;
  const uint64_t id_;
  const Readiness& readiness_;
  Metrics& metrics_;
  // Outlived by the readiness check.
  const std::shared_ptr<Known> known_;
  bool clocks_apart_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

// OK when a service of release `ours` works beside a state of release `theirs`: equal but for one
// minor version. INVALID_CONFIGURATION says which to change.
absl::Status CheckReleases(std::string_view service, std::string_view ours,
                           std::string_view theirs);

}  // namespace penstock

#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "penstock/internal/v1/workers.grpc.pb.h"
#include "services/common/model/resources.h"
#include "services/common/queue/work_queue.h"
#include "services/common/testing/redis_server.h"
#include "tests/integration/state/state_fixture.h"
#include "tests/support/http/test_server.h"

namespace penstock::loader {

namespace pb = penstock::internal::v1;
using test::Respond;
using test::SeenRequest;
using test::TestAnswer;

// Real penstock-state and penstock-loader over private servers; the test plays planner, extractor
// and destination. Attempts last 0.5 s, grants 0.3 s longer.
class LoaderTest : public state::StateTest {
 protected:
  LoaderTest();
  ~LoaderTest() override;

  // Declares Sync `name` to a Destination of the same name at `url`: each record is sent as
  // {"i": index, "id": identity}. `confirms` record: answers {"taken": [{"i"}], "errors": [{"i",
  // "message"}]}.
  static Destination MakeDestination(const std::string& name, const std::string& url,
                                     Confirms confirms = Confirms::kBatch);
  static Sync MakeSync(const std::string& name);
  void Declare(const std::string& name, const std::string& url,
               Confirms confirms = Confirms::kBatch, Guarantee guarantee = Guarantee::kAtLeastOnce);
  void Declare(const Destination& destination, const Sync& sync);
  // LoaderService of the first loader.
  std::unique_ptr<pb::LoaderService::Stub> Service() const;
  std::unique_ptr<testing::ChildProcess> StartLoader(std::vector<std::string> args = {},
                                                     std::vector<std::string> env = {});
  // Starts a run of the Sync, and announces and pushes one batch with records of these ids; then
  // ends the read.
  struct Sent {
    std::string run;
    pb::Task task;
    StreamId stream;
  };
  Sent Push(const std::string& sync, const std::vector<int>& ids);
  // The run's records by outcome, once none is pending.
  v1::OperationCounts Settled(const Sent& sent);
  v1::OperationCounts Counts(const Sent& sent);
  // The stream holds nothing more.
  bool Drained(const StreamId& stream);

  bool declared_ = false;
  testing::RedisServer redis_;
  uint16_t loader_port_;
  int loaders_ = 0;
};

// The ids in a request's body.
std::vector<int> IdsOf(const SeenRequest& request);

}  // namespace penstock::loader

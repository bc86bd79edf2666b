#include "services/common/queue/work_queue.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/testing/wait_for.h"
#include "tests/integration/queue/queue_fixture.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using Pushed = WorkQueue::Pushed;
using ::penstock::testing::WaitFor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class WorkQueueTest : public QueueFixture {
 protected:
  std::unique_ptr<WorkQueue> Open(QueueLimits limits = {.destination_bytes = 1000,
                                                        .total_bytes = 10'000}) {
    return std::make_unique<WorkQueue>(Connect(), "test", limits);
  }
  static StreamId Stream(const std::string& destination, const std::string& sync) {
    return {destination, Uuid::V7(Clock::System().Wall(), Random::System()), 1, sync};
  }
  // Pushes bodies of `bytes` until the queue takes no more; how many it took.
  int Fill(WorkQueue& queue, const StreamId& stream, size_t bytes) {
    const std::string body(bytes, 'x');
    int taken = 0;
    while (Get(queue.Push(stream, body)) == Pushed::kYes) ++taken;
    return taken;
  }
  static std::vector<std::string> Bodies(const std::vector<TakenBatch>& batches) {
    std::vector<std::string> bodies;
    for (const TakenBatch& batch : batches) bodies.push_back(batch.body);
    return bodies;
  }
  // What the credit's hash says is waiting, without what is zero.
  std::map<std::string, std::string> Credit() {
    const RedisReply reply = server_.Command({"HGETALL", "test:credit"});
    std::map<std::string, std::string> credit;
    for (size_t i = 0; i + 1 < reply.array.size(); i += 2) {
      if (reply.array[i + 1].text != "0") credit[reply.array[i].text] = reply.array[i + 1].text;
    }
    return credit;
  }
  // Clients that wait in a blocking command.
  int Blocked() {
    const std::string info = server_.Command({"INFO", "clients"}).text;
    constexpr std::string_view kField = "blocked_clients:";
    return std::stoi(info.substr(info.find(kField) + kField.size()));
  }
  int64_t Idle(const StreamId& stream, const std::string& entry) {
    const std::string key = "test:load:" + stream.destination + ":" + stream.run.ToString() + ":1";
    const RedisReply reply = server_.Command({"XPENDING", key, "loaders", entry, entry, "1"});
    return reply.array.empty() ? -1 : reply.array[0].array[2].integer;
  }
};

TEST_F(WorkQueueTest, AStreamsNameReadsBackAndNonsenseIsCorrupt) {
  const StreamId stream = Stream("crm", "customers-to-crm");
  EXPECT_EQ(*StreamId::Parse(stream.ToString()), stream);
  for (const char* text : {"", "crm", "crm/no-uuid/1/s", "crm/1/2/3/4"}) {
    EXPECT_EQ(CodeOf(StreamId::Parse(text).status()), ErrorCode::kDATA_CORRUPT) << text;
  }
}

TEST_F(WorkQueueTest, TheIncarnationChangesWhenRedisMayHaveLostSomethingAndOnlyThen) {
  auto queue = Open(), other = Open();
  const std::string first = Get(queue->Incarnation());
  EXPECT_EQ(Get(other->Incarnation()), first) << "all processes see the same one";
  server_.SaveDump("before");
  server_.Flush();
  const std::string flushed = Get(queue->Incarnation());
  EXPECT_NE(flushed, first);
  server_.RestoreDump("before");
  const std::string restored = Get(queue->Incarnation());
  EXPECT_NE(restored, flushed);
  EXPECT_NE(restored, first) << "an old content is back, but not what came after it";
}

TEST_F(WorkQueueTest, ATicketWakesOneExtractor) {
  auto queue = Open(), other = Open();
  EXPECT_FALSE(Get(queue->TakeTicket(10ms)));
  auto first = Start(queue->TakeTicket(20s)), second = Start(other->TakeTicket(20s));
  ASSERT_TRUE(WaitFor([&] { return Blocked() == 2; }));
  const auto woken = [](std::future<absl::StatusOr<bool>>& taker) {
    return taker.wait_for(0s) == std::future_status::ready;
  };
  Do(queue->PostTicket());
  ASSERT_TRUE(WaitFor([&] { return woken(first) || woken(second); }));
  EXPECT_EQ(Blocked(), 1) << "the other one goes on waiting";
  Do(queue->PostTicket());
  EXPECT_TRUE(*first.get());
  EXPECT_TRUE(*second.get());
  EXPECT_EQ(Get(queue->Tickets()), 0);
}

TEST_F(WorkQueueTest, TicketsThatNobodyTakesDoNotPileUp) {
  auto queue = Open();
  std::vector<std::future<absl::Status>> posts;
  for (int i = 0; i < 1500; ++i) posts.push_back(Start(queue->PostTicket()));
  for (auto& post : posts) EXPECT_TRUE(post.get().ok());
  EXPECT_LE(Get(queue->Tickets()), 1001);
  EXPECT_TRUE(Get(queue->TakeTicket(1s)));
}

TEST_F(WorkQueueTest, BatchesArriveInOrderUnchangedAndEachAtOneLoader) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  Do(queue->Open(stream));
  const std::string binary("\0\r\n$-1\xff", 7);
  EXPECT_EQ(Get(queue->Push(stream, binary)), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(stream, "two")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(stream, "three")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Length(stream)), 3);
  EXPECT_THAT(Bodies(Get(queue->Take(stream, "first", 2))), ElementsAre(binary, "two"));
  EXPECT_THAT(Bodies(Get(queue->Take(stream, "second", 2))), ElementsAre("three"));
  EXPECT_THAT(Get(queue->Take(stream, "third", 2)), IsEmpty());
  EXPECT_EQ(Get(queue->Length(stream)), 3) << "they are not settled yet";
}

TEST_F(WorkQueueTest, AStreamThatIsNotOpenTakesAndGivesNothing) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  EXPECT_EQ(Get(queue->Push(stream, "b")), Pushed::kGone) << "never opened";
  Do(queue->Open(stream));
  EXPECT_EQ(Get(queue->Push(stream, "b")), Pushed::kYes);
  Do(queue->Close(stream));
  EXPECT_EQ(Get(queue->Push(stream, "b")), Pushed::kGone) << "closed";
  EXPECT_THAT(Get(queue->Take(stream, "c", 1)), IsEmpty());
  EXPECT_THAT(Get(queue->Claim(stream, "c", 0ms, 1)), IsEmpty());
  Do(queue->Touch(stream, "c", "0-1"));
  Do(queue->Settle(stream, "0-1", 1));
  Do(queue->Close(stream));
  EXPECT_EQ(Get(queue->Length(stream)), std::nullopt);
  EXPECT_THAT(Credit(), IsEmpty());
  Do(queue->Open(stream));
  server_.Flush();
  EXPECT_EQ(Get(queue->Push(stream, "b")), Pushed::kGone) << "lost with Redis";
}

TEST_F(WorkQueueTest, OpeningAgainKeepsWhatIsInTheStream) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  Do(queue->Open(stream));
  EXPECT_EQ(Get(queue->Push(stream, "b")), Pushed::kYes);
  Do(queue->Open(stream));
  EXPECT_EQ(Get(queue->Length(stream)), 1);
  EXPECT_THAT(Get(queue->OpenStreams()), ElementsAre(stream));
}

TEST_F(WorkQueueTest, AFullBacklogTakesNoMoreUntilSomethingIsSettled) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  Do(queue->Open(stream));
  EXPECT_EQ(Fill(*queue, stream, 300), 3) << "of 1,000 bytes";
  const auto taken = Get(queue->Take(stream, "c", 1));
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(Fill(*queue, stream, 300), 0) << "taken is not settled";
  Do(queue->Settle(stream, taken[0].entry, 300));
  EXPECT_EQ(Fill(*queue, stream, 300), 1);
}

TEST_F(WorkQueueTest, ABatchLargerThanTheShareStillPassesAlone) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  Do(queue->Open(stream));
  EXPECT_EQ(Fill(*queue, stream, 5000), 1);
}

TEST_F(WorkQueueTest, AHugeSyncLeavesRoomForASmallOneOfTheSameDestination) {
  auto queue = Open();
  const StreamId huge = Stream("crm", "huge"), small = Stream("crm", "small");
  Do(queue->Open(huge));
  Do(queue->Open(small));
  EXPECT_EQ(Fill(*queue, huge, 100), 10) << "alone it may use all";
  EXPECT_EQ(Fill(*queue, small, 100), 5) << "its half of the share";
  EXPECT_EQ(Fill(*queue, huge, 100), 0);
}

TEST_F(WorkQueueTest, ADestinationsBacklogIsNoOtherDestinationsAffair) {
  auto queue = Open();
  const StreamId dead = Stream("dead", "a"), healthy = Stream("healthy", "b");
  Do(queue->Open(dead));
  Do(queue->Open(healthy));
  Fill(*queue, dead, 100);
  EXPECT_EQ(Fill(*queue, healthy, 100), 10);
}

TEST_F(WorkQueueTest, TheTotalHoldsOverAllDestinationsButNobodyIsShutOut) {
  auto queue = Open({.destination_bytes = 1000, .total_bytes = 1500});
  const StreamId first = Stream("one", "a"), second = Stream("two", "b"),
                 third = Stream("three", "c");
  for (const StreamId& stream : {first, second, third}) Do(queue->Open(stream));
  EXPECT_EQ(Fill(*queue, first, 100), 8) << "as much as it leaves free";
  EXPECT_EQ(Fill(*queue, second, 100), 4);
  EXPECT_EQ(Fill(*queue, third, 100), 2);
}

TEST_F(WorkQueueTest, SettledAndClosedBatchesGiveTheirBytesBackOnce) {
  auto queue = Open();
  const StreamId one = Stream("crm", "a"), two = Stream("crm", "b");
  Do(queue->Open(one));
  Do(queue->Open(two));
  EXPECT_EQ(Get(queue->Push(one, "12345")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(one, "123")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(two, "1234567")), Pushed::kYes);
  EXPECT_EQ(Credit()["total"], "15");
  EXPECT_EQ(Credit()["d:crm"], "15");
  const auto taken = Get(queue->Take(one, "c", 1));
  for (int twice = 0; twice < 2; ++twice) Do(queue->Settle(one, taken[0].entry, 5));
  EXPECT_EQ(Credit()["total"], "10");
  EXPECT_EQ(Credit()["s:" + one.ToString()], "3");
  for (int twice = 0; twice < 2; ++twice) Do(queue->Close(two));
  EXPECT_EQ(Credit()["total"], "3");
  Do(queue->Close(one));
  EXPECT_THAT(Credit(), IsEmpty());
  EXPECT_THAT(Get(queue->OpenStreams()), IsEmpty());
}

TEST_F(WorkQueueTest, StreamsAreReadyAsLongAsTheyHoldBatches) {
  auto queue = Open();
  const StreamId crm = Stream("crm", "a"), other = Stream("crm", "b"), ads = Stream("ads", "c");
  for (const StreamId& stream : {crm, other, ads}) Do(queue->Open(stream));
  EXPECT_THAT(Get(queue->ReadyStreams()), IsEmpty());
  EXPECT_EQ(Get(queue->Push(crm, "1")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(ads, "2")), Pushed::kYes);
  EXPECT_THAT(Get(queue->ReadyStreams()), UnorderedElementsAre(crm, ads));
  const auto taken = Get(queue->Take(ads, "c", 1));
  EXPECT_THAT(Get(queue->ReadyStreams()), UnorderedElementsAre(crm, ads))
      << "whoever took it may die";
  Do(queue->Settle(ads, taken[0].entry, 1));
  EXPECT_THAT(Get(queue->ReadyStreams()), ElementsAre(crm));
  Do(queue->Close(crm));
  EXPECT_THAT(Get(queue->ReadyStreams()), IsEmpty());
}

TEST_F(WorkQueueTest, WhatADeadLoaderTookIsClaimedByAnotherUnlessItIsTouched) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  Do(queue->Open(stream));
  EXPECT_EQ(Get(queue->Push(stream, "dead")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(stream, "alive")), Pushed::kYes);
  const auto taken = Get(queue->Take(stream, "loader", 2));
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_THAT(Get(queue->Claim(stream, "other", 1h, 10)), IsEmpty()) << "both were just taken";
  ASSERT_TRUE(WaitFor([&] { return Idle(stream, taken[1].entry) > 50; }));
  Do(queue->Touch(stream, "loader", taken[1].entry));
  EXPECT_LT(Idle(stream, taken[1].entry), Idle(stream, taken[0].entry));
  EXPECT_THAT(Bodies(Get(queue->Claim(stream, "other", 0ms, 1))), ElementsAre("dead"));
}

TEST_F(WorkQueueTest, ASettledBatchIsNeverClaimed) {
  auto queue = Open();
  const StreamId stream = Stream("crm", "a");
  Do(queue->Open(stream));
  EXPECT_EQ(Get(queue->Push(stream, "1")), Pushed::kYes);
  EXPECT_EQ(Get(queue->Push(stream, "2")), Pushed::kYes);
  const auto taken = Get(queue->Take(stream, "loader", 2));
  Do(queue->Settle(stream, taken[0].entry, 1));
  EXPECT_THAT(Bodies(Get(queue->Claim(stream, "other", 0ms, 10))), ElementsAre("2"));
}

TEST_F(WorkQueueTest, ALoaderThatWaitsIsWokenByAPush) {
  auto queue = Open(), pusher = Open();
  const StreamId stream = Stream("crm", "a");
  Do(pusher->Open(stream));
  auto waiting = Start(queue->WaitForPush("", 20s));
  ASSERT_TRUE(WaitFor([&] { return Blocked() == 1; }));
  EXPECT_EQ(Get(pusher->Push(stream, "1")), Pushed::kYes);
  const auto woken = waiting.get();
  ASSERT_TRUE(woken.ok()) << woken.status();
  // What was pushed between two waits is not missed.
  EXPECT_EQ(Get(pusher->Push(stream, "2")), Pushed::kYes);
  const std::string next = Get(queue->WaitForPush(*woken, 20s));
  EXPECT_NE(next, *woken);
  EXPECT_EQ(Get(queue->WaitForPush(next, 10ms)), next) << "nothing was pushed since";
}

}  // namespace
}  // namespace penstock

#include "services/common/rpc/write_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/common/rpc/read_gate.h"

namespace penstock {
namespace {

using ::testing::ElementsAre;

class WriteQueueTest : public ::testing::Test {
 protected:
  std::vector<std::string> did_;
  WriteQueue<std::string> queue_{2,
                                 {.start = [this](const std::string* m) { did_.push_back(*m); },
                                  .closed = [this] { did_.emplace_back("closed"); },
                                  .dropped = [this] { did_.emplace_back("dropped"); },
                                  .writable = [this] { did_.emplace_back("writable"); }}};
};

TEST_F(WriteQueueTest, WritesOneAtATimeInOrderAndClosesAtTheEnd) {
  EXPECT_TRUE(queue_.Push("a"));
  EXPECT_TRUE(queue_.Push("b"));
  queue_.Close([] {});
  EXPECT_FALSE(queue_.Push("late"));
  EXPECT_THAT(did_, ElementsAre("a"));
  queue_.WriteDone(true);
  queue_.WriteDone(true);
  EXPECT_THAT(did_, ElementsAre("a", "b", "closed"));
}

TEST_F(WriteQueueTest, RefusesWhenFullAndTellsWhenThereIsRoomAgain) {
  EXPECT_TRUE(queue_.Push("a"));
  EXPECT_TRUE(queue_.Push("b"));
  EXPECT_TRUE(queue_.Push("c"));
  EXPECT_FALSE(queue_.Push("d"));
  queue_.WriteDone(true);
  EXPECT_THAT(did_, ElementsAre("a", "writable", "b"));
  EXPECT_TRUE(queue_.Push("d"));
}

bool SameInitial(const std::string& one, const std::string& other) {
  return one[0] == other[0];
}

TEST_F(WriteQueueTest, ASlowReaderGetsTheNewestOfEachThing) {
  for (const char* message : {"a1", "a2", "b1", "a3", "b2"})
    queue_.PushLatest(message, SameInitial);
  queue_.WriteDone(true);
  queue_.WriteDone(true);
  EXPECT_THAT(did_, ElementsAre("a1", "a3", "b2"));
}

TEST_F(WriteQueueTest, ABrokenStreamIsDroppedOnceTheWriteInProgressEnded) {
  queue_.Push("a");
  queue_.Push("b");
  queue_.Drop();
  queue_.Drop();
  EXPECT_THAT(did_, ElementsAre("a"));
  queue_.WriteDone(false);
  EXPECT_THAT(did_, ElementsAre("a", "dropped"));
  EXPECT_FALSE(queue_.Push("c"));
  EXPECT_FALSE(queue_.PushLatest("c", SameInitial));
}

TEST_F(WriteQueueTest, DropsAlsoAfterTheCloseEnded) {
  queue_.Close([] {});
  queue_.Drop();
  EXPECT_THAT(did_, ElementsAre("closed"));
  queue_.WriteDone(false);
  EXPECT_THAT(did_, ElementsAre("closed", "dropped"));
}

TEST_F(WriteQueueTest, OnlyTheFirstCloseCounts) {
  int prepared = 0;
  queue_.Close([&] { ++prepared; });
  queue_.Close([&] { ++prepared; });
  EXPECT_EQ(prepared, 1);
}

TEST(ReadGate, NeverLosesAResumeThatComesBeforeThePauseTookHold) {
  ReadGate gate;
  EXPECT_TRUE(gate.Handled());
  gate.Pause();
  EXPECT_FALSE(gate.Resume());
  EXPECT_TRUE(gate.Handled());
  gate.Pause();
  EXPECT_FALSE(gate.Handled());
  EXPECT_TRUE(gate.Resume());
  EXPECT_FALSE(gate.Resume());
}

}  // namespace
}  // namespace penstock

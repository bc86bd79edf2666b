#include "services/state/domain/run_machine.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "services/common/core/status.h"

namespace penstock::state {
namespace {

constexpr int kStates = static_cast<int>(RunState::kSkipped);
constexpr int kEvents = static_cast<int>(RunEvent::kResume);

std::vector<RunState> States() {
  std::vector<RunState> all;
  for (int i = 1; i <= kStates; ++i) all.push_back(static_cast<RunState>(i));
  return all;
}

std::vector<RunEvent> Events() {
  std::vector<RunEvent> all;
  for (int i = 1; i <= kEvents; ++i) all.push_back(static_cast<RunEvent>(i));
  return all;
}

// The life of a run as the design tells it: state, event, what follows. `|` parts the good end from
// the bad one. Every pair that is not listed is illegal.
constexpr const char* kLife = R"(
QUEUED      START       READING
QUEUED      STOP        CANCELLED
READING     READ_ENDED  DELIVERING
READING     NEW_READ    READING
READING     PARK        PARKING
READING     STOP        CANCELLING
DELIVERING  REMOVE      REMOVING
DELIVERING  FINALIZE    FINALIZING
DELIVERING  NEW_READ    READING
DELIVERING  PARK        PARKING
DELIVERING  STOP        CANCELLING
REMOVING    FINALIZE    FINALIZING
REMOVING    NEW_READ    READING
REMOVING    PARK        PARKING
REMOVING    STOP        CANCELLING
FINALIZING  FINISH      SUCCEEDED|PARTIAL
PARKING     PARKED      PARKED
PARKING     STOP        CANCELLING
PARKED      RESUME      READING
PARKED      STOP        CANCELLING
CANCELLING  STOPPED     CANCELLED|FAILED
)";

std::map<std::pair<std::string, std::string>, std::string> Life() {
  std::map<std::pair<std::string, std::string>, std::string> life;
  std::istringstream lines(kLife);
  for (std::string from, event, to; lines >> from >> event >> to;) life[{from, event}] = to;
  return life;
}

TEST(RunMachine, EveryPairOfStateAndEventGoesWhereTheDesignSaysOrIsRefused) {
  auto life = Life();
  for (RunState from : States()) {
    for (RunEvent event : Events()) {
      for (bool has_error : {false, true}) {
        for (bool incomplete : {false, true}) {
          const auto told = life.find({std::string(Name(from)), std::string(Name(event))});
          auto found = FindTransition(from, event, {has_error, incomplete});
          SCOPED_TRACE(std::string(Name(from)) + " " + std::string(Name(event)));
          if (told == life.end()) {
            EXPECT_EQ(CodeOf(found.status()), ErrorCode::kILLEGAL_TRANSITION);
            continue;
          }
          ASSERT_TRUE(found.ok()) << found.status();
          std::string to = told->second;
          if (const size_t bar = to.find('|'); bar != std::string::npos) {
            const bool bad = from == RunState::kFinalizing ? incomplete : has_error;
            to = bad ? to.substr(bar + 1) : to.substr(0, bar);
          }
          EXPECT_EQ(Name(found->to), to);
        }
      }
    }
  }
}

TEST(RunMachine, AnIllegalEventIsToldWithBothNames) {
  const auto refused = FindTransition(RunState::kSucceeded, RunEvent::kNewRead, {});
  const std::string message(refused.status().message());
  EXPECT_NE(message.find("SUCCEEDED"), message.npos) << message;
  EXPECT_NE(message.find("NEW_READ"), message.npos) << message;
}

TEST(RunMachine, NothingLeavesATerminalStateAndEachOtherStateReachesOne) {
  std::set<RunState> ends;
  for (RunState state : States()) {
    if (IsTerminal(state)) ends.insert(state);
  }
  EXPECT_EQ(ends, (std::set{RunState::kSucceeded, RunState::kPartial, RunState::kFailed,
                            RunState::kCancelled, RunState::kSkipped}));
  for (const RunTransition& t : RunTransitions()) EXPECT_FALSE(IsTerminal(t.from)) << Name(t.from);
  for (bool grown = true; grown;) {
    grown = false;
    for (const RunTransition& t : RunTransitions()) {
      if (ends.contains(t.to)) grown |= ends.insert(t.from).second;
    }
  }
  EXPECT_EQ(ends.size(), static_cast<size_t>(kStates));
}

// No new read, run, rest or end of a run that has sent something while a request of it may still
// reach the destination.
TEST(RunMachine, NoNewReadNoRestAndNoEndWhileAGrantIsOpen) {
  for (const RunTransition& t : RunTransitions()) {
    if (t.from == RunState::kQueued) continue;
    const bool ends = IsTerminal(t.to) || t.to == RunState::kParked;
    const bool reads = t.to == RunState::kReading;
    if (ends || reads) {
      EXPECT_NE(t.needs, Needs::kNothing) << Name(t.from) << " to " << Name(t.to);
    }
  }
}

// What is removed, and what is called a success, rests on the outcome of every record before it.
TEST(RunMachine, RemovingAndFinishingWaitForEveryOutcome) {
  for (const RunTransition& t : RunTransitions()) {
    const bool rests_on_all = t.to == RunState::kRemoving || t.to == RunState::kFinalizing ||
                              t.to == RunState::kSucceeded || t.to == RunState::kPartial;
    if (rests_on_all) {
      EXPECT_EQ(t.needs, Needs::kNoOpenGrantNorPending) << Name(t.from);
    }
  }
}

TEST(RunMachine, ARunCanBeStoppedOrParkedNoMatterWhatIsOpen) {
  for (const RunTransition& t : RunTransitions()) {
    if (t.event == RunEvent::kStop || t.event == RunEvent::kPark) {
      EXPECT_EQ(t.needs, Needs::kNothing) << Name(t.from);
    }
  }
}

TEST(RunMachine, BatchesBeginOnlyWhileARunReadsDeliversOrRemoves) {
  std::set<RunState> deliver;
  for (RunState state : States()) {
    if (MayDeliver(state)) deliver.insert(state);
  }
  EXPECT_EQ(deliver, (std::set{RunState::kReading, RunState::kDelivering, RunState::kRemoving}));
}

}  // namespace
}  // namespace penstock::state

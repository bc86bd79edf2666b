#include "services/loader/domain/batch_outcomes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>

namespace penstock::loader {
namespace {

using ::testing::ElementsAre;

Answer Whole(Verdict verdict, bool answered) {
  Answer answer;
  answer.verdict = verdict;
  answer.answered = answered;
  answer.code = ErrorCode::kDESTINATION_UNAVAILABLE;
  answer.message = "said so";
  answer.alone = Rejected(ErrorCode::kDESTINATION_REJECTED, "said so");
  return answer;
}

const RecordResult kOk{RecordFate::kDelivered, SkipReason::kNone, {}, {}};

// Sends until nothing is left, as a lane would.
size_t SendAll(BatchOutcomes& outcomes, const std::function<Answer(const Piece&)>& destination) {
  std::deque<Piece> queue;
  for (Piece& piece : outcomes.First()) queue.push_back(std::move(piece));
  size_t requests = 0;
  while (!queue.empty() && requests < 10'000) {
    Piece piece = std::move(queue.front());
    queue.pop_front();
    ++requests;
    const Answer answer = destination(piece);
    for (Piece& next : outcomes.Apply(std::move(piece), answer, true))
      queue.push_back(std::move(next));
  }
  return requests;
}

TEST(BatchOutcomes, HalvesDownToThePoisonRecord) {
  BatchOutcomes outcomes(1000, {});
  const size_t requests = SendAll(outcomes, [](const Piece& piece) {
    const bool poison = std::count(piece.records.begin(), piece.records.end(), 617u) > 0;
    return poison ? Whole(Verdict::kRefused, true) : ForAll(piece.records.size(), kOk);
  });
  EXPECT_TRUE(outcomes.done());
  EXPECT_LE(requests, 1u + 2 * 10);
  for (uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(outcomes.outcome(i), i == 617 ? Outcome::kRejected : Outcome::kDelivered) << i;
  }
  const auto details = outcomes.TakeDetails();
  ASSERT_EQ(details.size(), 1u);
  EXPECT_EQ(details.at(617).message, "said so");
  EXPECT_TRUE(outcomes.TakeDetails().empty());
  EXPECT_TRUE(outcomes.all_answered());
}

TEST(BatchOutcomes, ARequestThatAlwaysFailsIsHalvedAfterEightAttempts) {
  BatchOutcomes outcomes(4, {});
  SendAll(outcomes, [](const Piece& piece) {
    const bool poison = std::count(piece.records.begin(), piece.records.end(), 2u) > 0;
    return poison ? Whole(Verdict::kFailed, false) : ForAll(piece.records.size(), kOk);
  });
  EXPECT_EQ(outcomes.outcome(2), Outcome::kRejected);
  EXPECT_EQ(outcomes.TakeDetails().at(2).code, ErrorCode::kRETRIES_EXHAUSTED);
  EXPECT_TRUE(outcomes.unanswered(2));
  EXPECT_EQ(outcomes.outcome(3), Outcome::kDelivered);
  EXPECT_TRUE(outcomes.unanswered(3)) << "the attempt before was not answered";
}

TEST(BatchOutcomes, FailuresOfTheWholeLaneBlameNoRequest) {
  BatchOutcomes outcomes(2, {});
  Piece piece = outcomes.First().front();
  for (int i = 0; i < 100; ++i) {
    auto again = outcomes.Apply(piece, Whole(Verdict::kFailed, false), false);
    ASSERT_EQ(again.size(), 1u);
    piece = again.front();
    EXPECT_EQ(piece.records.size(), 2u);
  }
  EXPECT_EQ(outcomes.open(), 2u);
}

TEST(BatchOutcomes, IsUntouchedAsLongAsNothingCanHaveArrived) {
  BatchOutcomes outcomes(2, {});
  EXPECT_TRUE(outcomes.untouched());
  Piece piece = outcomes.Apply(outcomes.First().front(), Whole(Verdict::kFailed, true), false)[0];
  EXPECT_TRUE(outcomes.untouched()) << "the request never left";
  piece = outcomes.Apply(piece, Whole(Verdict::kRateLimited, true), false)[0];
  EXPECT_TRUE(outcomes.untouched()) << "the request was turned away";
  piece = outcomes.Apply(piece, Whole(Verdict::kFailed, false), false)[0];
  EXPECT_FALSE(outcomes.untouched());
}

TEST(BatchOutcomes, FinalOutcomesStickAndOnlyTheRestIsSentAgain) {
  BatchOutcomes outcomes(3, {});
  Answer answer = ForAll(3, kOk);
  answer.records[1] = {RecordFate::kRetryable, SkipReason::kNone,
                       ErrorCode::kDESTINATION_UNAVAILABLE, "busy"};
  answer.records[2] = RecordResult{};
  auto pieces = outcomes.Apply(outcomes.First().front(), answer, false);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_THAT(pieces[0].records, ElementsAre(1u, 2u));
  EXPECT_TRUE(pieces[0].retry);
  pieces = outcomes.Apply(pieces[0],
                          ForAll(2, Settled(Operation::kUpsert, Reply::kExists, "there")), false);
  EXPECT_TRUE(pieces.empty());
  EXPECT_TRUE(outcomes.done());
  EXPECT_EQ(outcomes.PackedOutcomes(), std::string("\x01\x04\x04", 3));
  EXPECT_EQ(outcomes.PackedUnanswered(), std::string("\x04", 1));
  EXPECT_FALSE(outcomes.all_answered());
}

TEST(BatchOutcomes, ARecordHasEightAttempts) {
  BatchOutcomes outcomes(1, {});
  const size_t requests = SendAll(outcomes, [](const Piece&) {
    return ForAll(1, {RecordFate::kRetryable, SkipReason::kNone,
                      ErrorCode::kDESTINATION_UNAVAILABLE, "busy"});
  });
  EXPECT_EQ(requests, 8u);
  EXPECT_EQ(outcomes.TakeDetails().at(0).code, ErrorCode::kRETRIES_EXHAUSTED);
}

TEST(BatchOutcomes, AtMostOnceSendsNothingTwiceThatMayHaveArrived) {
  BatchOutcomes::Options options;
  options.at_most_once = true;
  BatchOutcomes outcomes(2, options);
  const Piece piece = outcomes.First().front();
  auto again = outcomes.Apply(piece, Whole(Verdict::kFailed, true), false);
  ASSERT_EQ(again.size(), 1u) << "a request that never left may be sent";
  again = outcomes.Apply(again[0], Whole(Verdict::kFailed, false), false);
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(outcomes.outcome(0), Outcome::kUnknown);
  EXPECT_TRUE(outcomes.done());
}

TEST(BatchOutcomes, LeavesOutWhatIsSettledAndSplitsWhatIsTooMuch) {
  BatchOutcomes::Options options;
  options.max_records = 2;
  const BatchOutcomes outcomes(5, options, {false, true, false, false, false});
  const auto pieces = outcomes.First();
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_THAT(pieces[0].records, ElementsAre(0u, 2u));
  EXPECT_THAT(pieces[1].records, ElementsAre(3u, 4u));
  EXPECT_EQ(outcomes.open(), 4u);
}

TEST(BatchOutcomes, PacksReasonsOfSkips) {
  BatchOutcomes outcomes(2, {});
  Answer answer = ForAll(2, Settled(Operation::kInsert, Reply::kExists));
  answer.records[1] = Settled(Operation::kUpdate, Reply::kNotFound, "gone");
  outcomes.Apply(outcomes.First().front(), answer, false);
  EXPECT_EQ(outcomes.PackedOutcomes(), std::string("\x23\x13", 2));
}

}  // namespace
}  // namespace penstock::loader

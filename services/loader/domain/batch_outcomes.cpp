#include "services/loader/domain/batch_outcomes.h"

#include <algorithm>

namespace penstock::loader {

BatchOutcomes::BatchOutcomes(uint32_t records, const Options& options,
                             const std::vector<bool>& settled)
    : options_(options), states_(records), open_(records) {
  for (size_t i = 0; i < std::min<size_t>(records, settled.size()); ++i) {
    if (!settled[i]) continue;
    states_[i].elsewhere = true;
    --open_;
  }
}

std::vector<Piece> BatchOutcomes::First() const {
  std::vector<Piece> pieces;
  for (uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i].elsewhere || IsFinal(states_[i].outcome)) continue;
    if (pieces.empty() || pieces.back().records.size() >= options_.max_records) {
      pieces.emplace_back();
    }
    pieces.back().records.push_back(i);
  }
  return pieces;
}

std::vector<Piece> BatchOutcomes::Apply(Piece piece, const Answer& answer, bool counts) {
  if (answer.verdict == Verdict::kRecords) return ApplyRecords(piece, answer);
  if (!answer.answered) MarkUnanswered(piece, answer);
  if (answer.verdict == Verdict::kRefused && answer.answered) {
    if (piece.records.size() > 1) return Halve(piece);
    RecordResult alone = answer.alone;
    if (alone.fate == RecordFate::kUnanswered) alone = Rejected(answer.code, answer.message);
    Settle(piece.records.front(), alone);
    return {};
  }
  if (answer.verdict == Verdict::kFailed && counts && ++piece.failures >= options_.max_attempts) {
    if (piece.records.size() > 1) return Halve(piece);
    if (!IsFinal(states_[piece.records.front()].outcome)) {
      SettleExhausted(piece.records.front(), answer.message);
    }
    return {};
  }
  return Again(std::move(piece));
}

std::vector<Piece> BatchOutcomes::ApplyRecords(const Piece& piece, const Answer& answer) {
  for (size_t i = 0; i < piece.records.size(); ++i) {
    const uint32_t record = piece.records[i];
    // A destination that says less than was asked for has not answered for the rest.
    const RecordResult result = i < answer.records.size() ? answer.records[i] : RecordResult{};
    State& state = states_[record];
    if (result.fate == RecordFate::kUnanswered) state.unanswered = true;
    const bool open =
        result.fate == RecordFate::kRetryable || result.fate == RecordFate::kUnanswered;
    if (!open || (result.fate == RecordFate::kUnanswered && options_.at_most_once)) {
      Settle(record, result);
    } else if (++state.attempts >= options_.max_attempts) {
      SettleExhausted(record, result.message);
    }
  }
  return Again(piece);
}

void BatchOutcomes::MarkUnanswered(const Piece& piece, const Answer& answer) {
  for (const uint32_t record : piece.records) {
    states_[record].unanswered = true;
    if (!options_.at_most_once) continue;
    Settle(record, {RecordFate::kUnanswered, SkipReason::kNone, answer.code, answer.message});
  }
}

void BatchOutcomes::Settle(uint32_t record, const RecordResult& result) {
  State& state = states_[record];
  if (IsFinal(state.outcome)) return;
  switch (result.fate) {
    case RecordFate::kDelivered:
      state.outcome = Outcome::kDelivered;
      break;
    case RecordFate::kUnchanged:
      state.outcome = Outcome::kUnchanged;
      break;
    case RecordFate::kSkipped:
      state.outcome = Outcome::kSkipped;
      state.skip = result.skip;
      break;
    case RecordFate::kRejected:
    case RecordFate::kRetryable:
      state.outcome = Outcome::kRejected;
      break;
    case RecordFate::kUnanswered:
      state.outcome = Outcome::kUnknown;
      break;
  }
  const bool explained = state.outcome == Outcome::kRejected ||
                         state.outcome == Outcome::kUnknown || result.skip == SkipReason::kNotFound;
  if (explained) details_[record] = result;
  --open_;
}

void BatchOutcomes::SettleExhausted(uint32_t record, const std::string& message) {
  Settle(record, Rejected(ErrorCode::kRETRIES_EXHAUSTED, message));
}

std::vector<Piece> BatchOutcomes::Halve(const Piece& piece) const {
  const auto middle = piece.records.begin() + static_cast<int64_t>(piece.records.size() / 2);
  std::vector<Piece> halves(2);
  halves[0].records.assign(piece.records.begin(), middle);
  halves[1].records.assign(middle, piece.records.end());
  halves[0].retry = halves[1].retry = true;
  return halves;
}

std::vector<Piece> BatchOutcomes::Again(Piece piece) const {
  std::erase_if(piece.records,
                [this](uint32_t record) { return IsFinal(states_[record].outcome); });
  piece.retry = true;
  std::vector<Piece> pieces;
  if (!piece.records.empty()) pieces.push_back(std::move(piece));
  return pieces;
}

bool BatchOutcomes::all_answered() const {
  return std::none_of(states_.begin(), states_.end(),
                      [](const State& state) { return state.unanswered; });
}

bool BatchOutcomes::untouched() const {
  return std::none_of(states_.begin(), states_.end(), [](const State& state) {
    return state.unanswered || state.outcome != Outcome::kPending;
  });
}

std::string BatchOutcomes::PackedOutcomes() const {
  std::string out;
  out.reserve(states_.size());
  for (const State& state : states_) {
    out += static_cast<char>(static_cast<uint8_t>(state.outcome) |
                             (static_cast<uint8_t>(state.skip) << 4));
  }
  return out;
}

std::string BatchOutcomes::PackedUnanswered() const {
  std::string out((states_.size() + 7) / 8, '\0');
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i].unanswered) {
      out[i / 8] = static_cast<char>(static_cast<uint8_t>(out[i / 8]) | (1u << (i % 8)));
    }
  }
  return out;
}

}  // namespace penstock::loader

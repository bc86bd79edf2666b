#include <algorithm>
#include <utility>

#include "services/common/model/bitmap.h"
#include "services/loader/app/batch_delivery.h"

// How a batch begins, by what state knows of it.
namespace penstock::loader {

std::vector<Piece> BatchDelivery::FirstPieces() {
  const pb::Granted& granted = grant_.granted();
  std::vector<bool> settled(batch_.size(), false);
  for (size_t i = 0; i < std::min<size_t>(settled.size(), granted.outcomes().size()); ++i) {
    settled[i] = IsFinal(OutcomeOf(static_cast<uint8_t>(granted.outcomes()[i])));
  }
  const bool at_most_once = plan_->sync().delivery.guarantee == Guarantee::kAtMostOnce;
  outcomes_.emplace(
      batch_.size(),
      BatchOutcomes::Options{.max_records = max_records_, .at_most_once = at_most_once}, settled);
  if (at_most_once) GiveUpOnUnanswered(granted);
  std::vector<Piece> pieces = outcomes_->First();
  if (granted.lost_grants() < kLostGrantsOfPoison) return pieces;
  return CarefulPieces(std::move(pieces));
}

// Records that an earlier loader may have sent are not sent again: a person decides.
void BatchDelivery::GiveUpOnUnanswered(const pb::Granted& granted) {
  Piece piece;
  for (const Piece& all : outcomes_->First()) {
    std::copy_if(all.records.begin(), all.records.end(), std::back_inserter(piece.records),
                 [&](uint32_t record) { return BitAt(granted.unanswered(), record); });
  }
  if (piece.records.empty()) return;
  Answer lost;
  lost.verdict = Verdict::kFailed;
  lost.code = ErrorCode::kDESTINATION_TIMEOUT;
  lost.message = "an earlier attempt was not answered, and the Sync sends at most once";
  std::ignore = outcomes_->Apply(std::move(piece), lost, false);
  unreported_ = true;
}

// Loaders never came back from this batch: it is sent in parts that halve with every further loss,
// until what ends them is alone and is refused.
std::vector<Piece> BatchDelivery::CarefulPieces(std::vector<Piece> pieces) {
  const uint32_t halvings =
      std::min(grant_.granted().lost_grants() - kLostGrantsOfPoison + 1, uint32_t{31});
  const size_t size = outcomes_->open() >> halvings;
  if (size == 0 && !pieces.empty()) RejectAsPoison(pieces.front());
  std::vector<Piece> parts;
  for (const Piece& piece : pieces) {
    for (size_t at = 0; at < piece.records.size(); at += std::max<size_t>(size, 1)) {
      Piece& part = parts.emplace_back();
      const auto from = piece.records.begin() + static_cast<int64_t>(at);
      const size_t n = std::min(std::max<size_t>(size, 1), piece.records.size() - at);
      part.records.assign(from, from + static_cast<int64_t>(n));
    }
  }
  return parts;
}

void BatchDelivery::RejectAsPoison(Piece& piece) {
  const Piece alone{.records = {piece.records.front()}};
  piece.records.erase(piece.records.begin());
  std::ignore = outcomes_->Apply(
      alone,
      ForAll(1, Rejected(ErrorCode::kPOISON_RECORD,
                         "loaders ended each time they sent it; report it to the operators")),
      false);
  unreported_ = true;
}

}  // namespace penstock::loader

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/common/model/batch.h"
#include "services/loader/app/batch_grant.h"
#include "services/loader/app/lane_runner.h"
#include "services/loader/app/loader_metrics.h"
#include "services/loader/app/loader_world.h"
#include "services/loader/domain/batch_outcomes.h"

namespace penstock::loader {

// What is to become of a batch's entry in the queue.
enum class EntryFate : uint8_t {
  kSettle,  // done, or refused for good: it leaves the queue
  kLeave,   // to be taken again later, here or elsewhere
  kPark,    // no request can be made of it: a person must act
  kLater,   // other loaders send as much of its run as its Sync allows
  kAgain,   // the grant was lost before the report: state is to be asked what it knows
};

// So many loaders never came back from a batch: one of its records may end them.
inline constexpr uint32_t kLostGrantsOfPoison = 5;

// Sends one batch: its records wait for their turn in the lane, are sent under a grant, again as
// long as that makes sense, and what became of them is reported. Thread-confined; awaited once.
class BatchDelivery {
 public:
  BatchDelivery(LoaderWorld& world, LaneRunner& lane, std::shared_ptr<ReadPlan> plan,
                const Batch& batch);

  asio::awaitable<EntryFate> Run();
  // Why, of kPark.
  const absl::Status& problem() const { return problem_; }

 private:
  void MakeKeys();
  // Takes the newest connection and what is compiled for it.
  absl::Status Prepare(std::shared_ptr<ReadPlan> plan);
  asio::awaitable<void> Renew();
  // Reads what state knows of the batch from its first grant; the pieces to send.
  std::vector<Piece> FirstPieces();
  std::vector<Piece> CarefulPieces(std::vector<Piece> pieces);
  void RejectAsPoison(Piece& piece);
  void GiveUpOnUnanswered(const pb::Granted& granted);

  asio::awaitable<void> RunPiece(JobId job, Piece piece, bool started);
  asio::awaitable<Answer> Attempt(JobId job, const Piece& piece);
  asio::awaitable<void> RunOthers(std::vector<Piece> pieces);
  void SpawnPiece(Piece piece);
  // Tells state what is known when nothing is under way, so that the grant does not run out unseen.
  asio::awaitable<void> ReportProgress();
  asio::awaitable<EntryFate> Conclude();
  asio::awaitable<GrantAnswer> Report();
  void StopBecause(GrantAnswer answer);
  // Takes the time of a step.
  template <typename T>
  asio::awaitable<T> Timed(Stage stage, asio::awaitable<T> step);

  LoaderWorld& world_;
  LaneRunner& lane_;
  std::shared_ptr<ReadPlan> plan_;
  const Batch& batch_;
  BatchGrant grant_;
  DestinationWriter* writer_ = nullptr;
  Duration attempt_timeout_{};
  uint32_t max_records_ = 0;
  std::vector<std::string> keys_;  // idempotency keys of all records
  std::optional<BatchOutcomes> outcomes_;
  uint32_t running_ = 0;    // pieces
  uint32_t in_flight_ = 0;  // attempts
  bool unreported_ = false;
  bool sent_ = false;              // under the open grant
  std::optional<EntryFate> stop_;  // no more attempts
  absl::Status problem_;
  Signal piece_ended_;
  OutcomeCounter counter_;
};

}  // namespace penstock::loader

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/common/model/outcome.h"
#include "services/loader/domain/answer.h"

namespace penstock::loader {

// Records of one batch that are to be sent in one request.
struct Piece {
  std::vector<uint32_t> records;  // indexes in the batch, ascending
  uint32_t failures = 0;          // whole failures while others of its lane passed
  bool retry = false;             // not the first request of these records
};

// What becomes of the records of one batch, over all attempts: which to send next, which are
// settled. A settled record is never sent again. Thread-confined, no clock, no I/O.
class BatchOutcomes {
 public:
  struct Options {
    uint32_t max_records = 1000;  // of one request
    uint32_t max_attempts = 8;    // of one record, and of a request that fails while others pass
    bool at_most_once = false;    // a record that may have been applied is not sent again
  };

  // `settled`: the records that state says are settled already (all of whose outcomes it knows);
  // empty: none. They are not sent, and stay kPending here.
  BatchOutcomes(uint32_t records, const Options& options, const std::vector<bool>& settled = {});

  // All records that are to be sent, in pieces of at most max_records.
  std::vector<Piece> First() const;
  // Takes what became of one request and returns what is to be sent because of it: nothing, the
  // same again, its two halves, or those of its records that were not settled. `counts`: this
  // failure uses up one of the request's attempts (Lane::Finish says so).
  std::vector<Piece> Apply(Piece piece, const Answer& answer, bool counts);

  bool done() const { return open_ == 0; }
  uint32_t open() const { return open_; }  // records without a final outcome
  Outcome outcome(uint32_t record) const { return states_[record].outcome; }
  SkipReason skip_reason(uint32_t record) const { return states_[record].skip; }
  bool unanswered(uint32_t record) const { return states_[record].unanswered; }
  // Each attempt was answered for every record: the report closes the grant.
  bool all_answered() const;
  // Nothing is known of any record, and none may have arrived: as if nothing had been sent.
  bool untouched() const;
  // Code and message of the records rejected, skipped as not found, and unknown, of which this was
  // not told yet.
  std::map<uint32_t, RecordResult> TakeDetails() { return std::exchange(details_, {}); }

  // As they are stored (docs/formats.md, "Outcomes").
  std::string PackedOutcomes() const;
  std::string PackedUnanswered() const;

 private:
  struct State {
    Outcome outcome = Outcome::kPending;
    SkipReason skip = SkipReason::kNone;
    bool unanswered = false;
    bool elsewhere = false;  // settled before this loader got the batch
    uint8_t attempts = 0;    // answered for the request, but not settled for the record
  };
  void Settle(uint32_t record, const RecordResult& result);
  void SettleExhausted(uint32_t record, const std::string& message);
  void MarkUnanswered(const Piece& piece, const Answer& answer);
  std::vector<Piece> ApplyRecords(const Piece& piece, const Answer& answer);
  std::vector<Piece> Halve(const Piece& piece) const;
  // What of the piece is not settled, once more.
  std::vector<Piece> Again(Piece piece) const;

  Options options_;
  std::vector<State> states_;
  uint32_t open_ = 0;
  std::map<uint32_t, RecordResult> details_;
};

}  // namespace penstock::loader

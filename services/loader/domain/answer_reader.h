#pragma once

#include <boost/json/fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"
#include "services/loader/domain/answer.h"
#include "services/loader/domain/retry_after.h"

namespace penstock::loader {

// An answer as it came over HTTP.
struct HttpAnswer {
  int status = 0;
  std::string_view body;
  HeaderLookup header;
};

// Reads HTTP answers of one operation by the rules of its manifest. A record counts as answered
// only when the answer speaks of it, or when the status is one by which the manifest says that
// nothing was applied. Immutable, thread-safe.
class AnswerReader {
 public:
  // INVALID_RESOURCE naming every pointer of the manifest that is no RFC 6901 pointer.
  // `traced`: the request tells each record's index ($record.index), by which results name it;
  // without it a number in a result is the record's position in the request.
  // `normalise`: of identities, where results name records by them.
  static absl::StatusOr<AnswerReader> Make(Operation operation, const OperationSpec& spec,
                                           bool traced,
                                           Normalisation normalise = Normalisation::kNone);

  // Results name records by their identities: Read needs them.
  bool by_identity() const { return result_.by == RecordName::kIdentity; }

  // `records`: the indexes in their batch of the records that were sent, in the order of the
  // request. `identities`: theirs, as IdentityText gives them; empty unless by_identity().
  Answer Read(const HttpAnswer& answer, std::span<const uint32_t> records, WallTime now,
              std::span<const std::string> identities = {}) const;

  // As Read, for a request that only looks up: whatever goes wrong with it, nothing was applied.
  // A success gives kRecords without records.
  Answer ReadLookUp(const HttpAnswer& answer, WallTime now) const;

 private:
  class RecordFinder;

  AnswerReader(Operation operation, const OperationSpec& spec, bool traced,
               Normalisation normalise);
  bool IsSuccess(int status) const;
  bool NothingApplied(int status) const;
  Answer ReadSuccess(const HttpAnswer& answer, std::span<const uint32_t> records,
                     std::span<const std::string> identities) const;
  void ReadResults(const boost::json::value& body, const RecordFinder& finder, Answer& out) const;
  // False: an error names no record that was sent.
  bool ReadErrors(const boost::json::value& body, const RecordFinder& finder, Answer& out) const;
  Answer ReadWholeRefusal(const boost::json::value& body) const;
  bool IsTaken(const boost::json::value& outcome) const;
  // What an error, or an element whose outcome is no success, means for its record.
  RecordResult Refusal(const boost::json::value& element) const;
  Answer ReadFailure(const HttpAnswer& answer) const;

  Operation operation_;
  Confirms confirms_;
  ResultSpec result_;
  std::vector<int> not_applied_;
  bool single_;  // a request carries one record: 404 and 409 speak of the record
  bool traced_;
  Normalisation normalise_;
};

}  // namespace penstock::loader

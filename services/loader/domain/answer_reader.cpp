#include "services/loader/domain/answer_reader.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <unordered_map>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/loader/domain/json_pointer.h"

namespace penstock::loader {
namespace {

namespace json = boost::json;

bool Contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool Contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::optional<json::value> Parse(std::string_view body) {
  json::error_code error;
  json::value value = json::parse({body.data(), body.size()}, error);
  if (error) return std::nullopt;
  return value;
}

std::string TextAt(const json::value& value, const std::string& pointer) {
  if (pointer.empty()) return {};
  const json::value* found = At(value, pointer);
  return found == nullptr ? std::string() : PlainText(*found);
}

bool LooksLikeHtml(std::string_view body) {
  const size_t start = body.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return false;
  std::string head(body.substr(start, 14));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return head.starts_with("<!doctype html") || head.starts_with("<html");
}

// What is said of a refusal, for people: the manifest's message, else the body's beginning.
std::string Message(const ResultSpec& spec, const json::value* parsed, const HttpAnswer& answer) {
  std::string text = parsed != nullptr ? TextAt(*parsed, spec.message) : std::string();
  if (text.empty() && !LooksLikeHtml(answer.body)) text = answer.body;
  return BoundMessage(text.empty() ? fmt::format("HTTP status {}", answer.status)
                                   : fmt::format("HTTP status {}: {}", answer.status, text));
}

Answer Failed(ErrorCode code, std::string message) {
  Answer answer;
  answer.verdict = Verdict::kFailed;
  answer.answered = false;
  answer.code = code;
  answer.message = std::move(message);
  return answer;
}

Answer BadAnswer(std::string_view what) {
  return Failed(ErrorCode::kDESTINATION_BAD_ANSWER, BoundMessage(what));
}

// Finds the record that an element of an answer speaks of.
class RecordFinder {
 public:
  RecordFinder(std::span<const uint32_t> records, bool traced) : size_(records.size()) {
    if (!traced) return;
    positions_.emplace();
    for (size_t i = 0; i < records.size(); ++i) positions_->emplace(records[i], i);
  }

  // The position in the request, or nullopt.
  std::optional<size_t> Find(const json::value& element, const std::string& pointer) const {
    const json::value* named = At(element, pointer);
    if (named == nullptr) return std::nullopt;
    const std::string text = PlainText(*named);
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (!positions_) return number < size_ ? std::optional<size_t>(number) : std::nullopt;
    const auto found = positions_->find(number);
    return found == positions_->end() ? std::nullopt : std::optional(found->second);
  }

 private:
  size_t size_;
  std::optional<std::unordered_map<uint32_t, size_t>> positions_;
};

}  // namespace

absl::StatusOr<AnswerReader> AnswerReader::Make(Operation operation, const OperationSpec& spec,
                                                bool traced) {
  std::string problems;
  const auto check = [&](std::string_view field, const std::string& pointer) {
    if (IsPointer(pointer)) return;
    problems += fmt::format("{}result.{}: \"{}\" is no JSON pointer (it must begin with /)",
                            problems.empty() ? "" : "; ", field, pointer);
  };
  check("results", spec.result.results);
  check("record", spec.result.record);
  check("errors", spec.result.errors);
  check("error_record", spec.result.error_record);
  check("message", spec.result.message);
  check("code", spec.result.code);
  if (spec.confirms == Confirms::kRecord && spec.result.results.empty()) {
    problems +=
        fmt::format("{}confirms: record needs result.results", problems.empty() ? "" : "; ");
  }
  if (!problems.empty()) return Error(ErrorCode::kINVALID_RESOURCE, problems);
  return AnswerReader(operation, spec, traced);
}

AnswerReader::AnswerReader(Operation operation, const OperationSpec& spec, bool traced)
    : operation_(operation),
      confirms_(spec.confirms),
      result_(spec.result),
      not_applied_(spec.not_applied),
      single_(spec.batch.max_records == 1),
      traced_(traced) {}

bool AnswerReader::IsSuccess(int status) const {
  if (!result_.delivered_when.empty()) return Contains(result_.delivered_when, status);
  return status >= 200 && status < 300;
}

bool AnswerReader::NothingApplied(int status) const {
  return Contains(not_applied_, status);
}

Answer AnswerReader::Read(const HttpAnswer& answer, std::span<const uint32_t> records,
                          WallTime now) const {
  Answer out = IsSuccess(answer.status) ? ReadSuccess(answer, records) : ReadFailure(answer);
  if (out.verdict != Verdict::kRecords) out.retry_after = ReadRetryAfter(answer.header, now);
  return out;
}

Answer AnswerReader::ReadLookUp(const HttpAnswer& answer, WallTime now) const {
  if (answer.status >= 200 && answer.status < 300) return ForAll(0, {});
  Answer out = ReadFailure(answer);
  out.answered = true;
  out.retry_after = ReadRetryAfter(answer.header, now);
  return out;
}

Answer AnswerReader::ReadSuccess(const HttpAnswer& answer,
                                 std::span<const uint32_t> records) const {
  if (LooksLikeHtml(answer.body)) return BadAnswer("the answer is an HTML page");
  const RecordResult delivered{RecordFate::kDelivered, SkipReason::kNone, {}, {}};
  const bool by_record = confirms_ == Confirms::kRecord;
  if (!by_record && result_.errors.empty()) return ForAll(records.size(), delivered);
  if (!by_record && answer.body.empty()) return ForAll(records.size(), delivered);

  const std::optional<json::value> body = Parse(answer.body);
  if (!body) {
    return BadAnswer(answer.body.empty()
                         ? "the answer has no body, where results per record are due"
                         : "the answer's body is no JSON, or was cut short");
  }
  RecordResult silent;
  silent.code = ErrorCode::kDESTINATION_BAD_ANSWER;
  silent.message = "the answer says nothing of this record";
  Answer out = ForAll(records.size(), by_record ? silent : delivered);
  const RecordFinder finder(records, traced_);

  if (by_record) {
    const json::value* results = At(*body, result_.results);
    const json::array* list = results == nullptr ? nullptr : results->if_array();
    // By position a list of another length can't be matched to the records.
    const bool usable =
        list != nullptr && (!result_.record.empty() || list->size() == records.size());
    for (size_t i = 0; usable && i < list->size(); ++i) {
      const auto at =
          result_.record.empty() ? std::optional(i) : finder.Find((*list)[i], result_.record);
      if (at) out.records[*at] = delivered;
    }
  }
  const json::value* errors = result_.errors.empty() ? nullptr : At(*body, result_.errors);
  const json::array* list = errors == nullptr ? nullptr : errors->if_array();
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const json::value& element = (*list)[i];
    const auto at = finder.Find(element, result_.error_record);
    if (!at) {
      // An error of some record, nobody knows of which: no record without its own result is sure.
      if (!by_record) return BadAnswer("the answer holds an error that names no record sent");
      continue;
    }
    const std::string code = TextAt(element, result_.code);
    std::string message = BoundMessage(TextAt(element, result_.message));
    if (message.empty()) message = BoundMessage(code.empty() ? json::serialize(element) : code);
    if (Contains(result_.conflict_codes, code)) {
      out.records[*at] = Exists(operation_, std::move(message));
    } else if (Contains(result_.not_found_codes, code)) {
      out.records[*at] = NotFound(operation_, std::move(message));
    } else if (Contains(result_.retryable_codes, code)) {
      out.records[*at] = {RecordFate::kRetryable, SkipReason::kNone,
                          ErrorCode::kDESTINATION_UNAVAILABLE, std::move(message)};
    } else {
      out.records[*at] = Rejected(ErrorCode::kDESTINATION_REJECTED, std::move(message));
    }
  }
  return out;
}

Answer AnswerReader::ReadFailure(const HttpAnswer& answer) const {
  const std::optional<json::value> body = Parse(answer.body);
  const std::string message = Message(result_, body ? &*body : nullptr, answer);
  const std::string code = body ? TextAt(*body, result_.code) : std::string();
  Answer out = Failed(ErrorCode::kDESTINATION_UNAVAILABLE, message);
  out.answered = NothingApplied(answer.status);
  const int status = answer.status;
  if (status == 429) {
    out.verdict = Verdict::kRateLimited;
    out.code = ErrorCode::kDESTINATION_RATE_LIMITED;
  } else if (status == 401 || status == 403) {
    out.verdict = Verdict::kUnauthenticated;
    out.code =
        status == 401 ? ErrorCode::kDESTINATION_UNAUTHENTICATED : ErrorCode::kDESTINATION_FORBIDDEN;
  } else if (out.answered && Contains(result_.retryable_codes, code)) {
    out.code = ErrorCode::kDESTINATION_UNAVAILABLE;
  } else if (out.answered) {
    out.verdict = Verdict::kRefused;
    out.code = ErrorCode::kDESTINATION_REJECTED;
    // A batch's 404 may speak of a wrong path, so only where a request is one record it says that
    // the record is not there: else a wrong path would look like records removed.
    if (status == 409 || Contains(result_.conflict_codes, code)) {
      out.alone = Exists(operation_, message);
    } else if ((status == 404 && single_) || Contains(result_.not_found_codes, code)) {
      out.alone = NotFound(operation_, message);
    } else if (status == 404) {
      out.alone = Rejected(ErrorCode::kDESTINATION_NOT_FOUND, message);
    } else if (status == 413) {
      out.alone = Rejected(ErrorCode::kRECORD_TOO_LARGE, message);
    } else {
      out.alone = Rejected(ErrorCode::kDESTINATION_REJECTED, message);
    }
  } else if (status >= 200 && status < 300) {
    out = BadAnswer(fmt::format("status {} is none of delivered_when", status));
  } else if (status >= 300 && status < 400) {
    out.code = ErrorCode::kDESTINATION_REDIRECTED;
    out.message = BoundMessage(fmt::format(
        "HTTP status {}: redirected to {}; redirects are not followed, so set base_url and path to "
        "where the destination really is",
        status, answer.header("Location")));
  } else if (status == 408 || status == 504) {
    out.code = ErrorCode::kDESTINATION_TIMEOUT;
  }
  return out;
}

}  // namespace penstock::loader

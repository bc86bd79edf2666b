#include "services/loader/domain/answer_reader.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <unordered_map>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/loader/domain/identity_text.h"
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

// Queries may carry credentials.
std::string_view WithoutQuery(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
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

// A member of an object is named by its key; an element of an array by what it holds.
struct Element {
  const json::value* value;
  std::optional<std::string> key;
};

std::vector<Element> ElementsAt(const json::value& body, const std::string& pointer) {
  std::vector<Element> out;
  const json::value* found = At(body, pointer);
  if (found == nullptr) return out;
  if (const json::array* list = found->if_array()) {
    for (const json::value& element : *list) out.push_back({&element, std::nullopt});
  } else if (const json::object* object = found->if_object()) {
    for (const auto& member : *object) out.push_back({&member.value(), std::string(member.key())});
  }
  return out;
}

}  // namespace

// Finds the record that an element of an answer speaks of.
class AnswerReader::RecordFinder {
 public:
  RecordFinder(const AnswerReader& reader, std::span<const uint32_t> records,
               std::span<const std::string> identities)
      : size_(records.size()), normalise_(reader.normalise_) {
    if (reader.by_identity()) {
      by_name_.emplace();
      for (size_t i = 0; i < identities.size(); ++i) by_name_->emplace(identities[i], i);
    } else if (reader.traced_) {
      by_name_.emplace();
      for (size_t i = 0; i < records.size(); ++i) by_name_->emplace(std::to_string(records[i]), i);
    }
  }

  // The position in the request, or nullopt.
  std::optional<size_t> Find(const Element& element, const std::string& pointer) const {
    if (element.key) return FindName(*element.key);
    const json::value* named = At(*element.value, pointer);
    return named == nullptr ? std::nullopt : FindName(PlainText(*named));
  }
  size_t size() const { return size_; }

 private:
  std::optional<size_t> FindName(const std::string& name) const {
    if (by_name_) {
      const auto found = by_name_->find(NormalIdentity(name, normalise_));
      return found == by_name_->end() ? std::nullopt : std::optional(found->second);
    }
    size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = error == std::errc{} && end == name.data() + name.size();
    return whole && number < size_ ? std::optional(number) : std::nullopt;
  }

  size_t size_;
  Normalisation normalise_;
  std::optional<std::unordered_map<std::string, size_t>> by_name_;
};

absl::StatusOr<AnswerReader> AnswerReader::Make(Operation operation, const OperationSpec& spec,
                                                bool traced, Normalisation normalise) {
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
  check("outcome", spec.result.outcome);
  check("message", spec.result.message);
  check("code", spec.result.code);
  if (!problems.empty()) return Error(ErrorCode::kINVALID_RESOURCE, problems);
  return AnswerReader(operation, spec, traced, normalise);
}

AnswerReader::AnswerReader(Operation operation, const OperationSpec& spec, bool traced,
                           Normalisation normalise)
    : operation_(operation),
      confirms_(spec.confirms),
      result_(spec.result),
      not_applied_(spec.not_applied),
      single_(spec.batch.max_records == 1),
      traced_(traced),
      normalise_(normalise) {}

bool AnswerReader::IsSuccess(int status) const {
  if (!result_.delivered_when.empty()) return Contains(result_.delivered_when, status);
  return status >= 200 && status < 300;
}

bool AnswerReader::NothingApplied(int status) const {
  return Contains(not_applied_, status);
}

Answer AnswerReader::Read(const HttpAnswer& answer, std::span<const uint32_t> records, WallTime now,
                          std::span<const std::string> identities) const {
  Answer out =
      IsSuccess(answer.status) ? ReadSuccess(answer, records, identities) : ReadFailure(answer);
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

Answer AnswerReader::ReadSuccess(const HttpAnswer& answer, std::span<const uint32_t> records,
                                 std::span<const std::string> identities) const {
  if (LooksLikeHtml(answer.body)) return BadAnswer("the answer is an HTML page");
  const RecordResult delivered = Settled(operation_, Reply::kTaken);
  const bool by_record = confirms_ == Confirms::kRecord;
  const bool of_body = !by_record && result_.results.empty() && !result_.outcome.empty();
  if (!by_record && !of_body && (result_.errors.empty() || answer.body.empty())) {
    return ForAll(records.size(), delivered);
  }
  const std::optional<json::value> body = Parse(answer.body);
  if (!body) {
    return BadAnswer(answer.body.empty() ? "the answer has no body, where results are due"
                                         : "the answer's body is no JSON, or was cut short");
  }
  if (of_body) {
    const json::value* outcome = At(*body, result_.outcome);
    if (outcome == nullptr) {
      return BadAnswer(fmt::format("the answer has nothing at {}", result_.outcome));
    }
    if (!IsTaken(*outcome)) return ReadWholeRefusal(*body);
  }
  RecordResult silent;
  silent.code = ErrorCode::kDESTINATION_BAD_ANSWER;
  silent.message = "the answer says nothing of this record";
  Answer out = ForAll(records.size(), by_record ? silent : delivered);
  const RecordFinder finder(*this, records, identities);
  if (by_record) ReadResults(*body, finder, out);
  // An error of some record, nobody knows of which: no record without its own result is sure.
  if (!ReadErrors(*body, finder, out) && !by_record) {
    return BadAnswer("the answer holds an error that names no record sent");
  }
  return out;
}

void AnswerReader::ReadResults(const json::value& body, const RecordFinder& finder,
                               Answer& out) const {
  const std::vector<Element> elements = ElementsAt(body, result_.results);
  for (size_t i = 0; i < elements.size(); ++i) {
    const Element& element = elements[i];
    const bool by_position = result_.record.empty() && !element.key;
    // By position a list of another length can't be matched to the records.
    if (by_position && elements.size() != finder.size()) return;
    const auto at = by_position ? std::optional(i) : finder.Find(element, result_.record);
    if (!at) continue;
    const json::value* outcome = At(*element.value, result_.outcome);
    if (outcome == nullptr) continue;
    out.records[*at] = result_.outcome.empty() || IsTaken(*outcome)
                           ? Settled(operation_, Reply::kTaken)
                           : Refusal(*element.value);
  }
}

bool AnswerReader::ReadErrors(const json::value& body, const RecordFinder& finder,
                              Answer& out) const {
  if (result_.errors.empty()) return true;
  bool all_found = true;
  for (const Element& element : ElementsAt(body, result_.errors)) {
    const auto at = finder.Find(element, result_.error_record);
    if (at) {
      out.records[*at] = Refusal(*element.value);
    } else {
      all_found = false;
    }
  }
  return all_found;
}

bool AnswerReader::IsTaken(const json::value& outcome) const {
  const std::string text = PlainText(outcome);
  if (result_.delivered_outcomes.empty()) return text == "true";
  return Contains(result_.delivered_outcomes, text);
}

RecordResult AnswerReader::Refusal(const json::value& element) const {
  const std::string code = TextAt(element, result_.code);
  std::string message = BoundMessage(TextAt(element, result_.message));
  if (message.empty()) message = BoundMessage(code.empty() ? PlainText(element) : code);
  if (Contains(result_.conflict_codes, code))
    return Settled(operation_, Reply::kExists, std::move(message));
  if (Contains(result_.not_found_codes, code))
    return Settled(operation_, Reply::kNotFound, std::move(message));
  if (Contains(result_.retryable_codes, code)) {
    return {RecordFate::kRetryable, SkipReason::kNone, ErrorCode::kDESTINATION_UNAVAILABLE,
            std::move(message)};
  }
  return Rejected(ErrorCode::kDESTINATION_REJECTED, std::move(message));
}

// The request as a whole was not taken, though its status is one of success.
Answer AnswerReader::ReadWholeRefusal(const json::value& body) const {
  Answer out;
  out.alone = Refusal(body);
  out.answered = true;
  out.message = out.alone.message;
  const bool again = out.alone.fate == RecordFate::kRetryable;
  out.verdict = again ? Verdict::kFailed : Verdict::kRefused;
  out.code = again ? ErrorCode::kDESTINATION_UNAVAILABLE : ErrorCode::kDESTINATION_REJECTED;
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
      out.alone = Settled(operation_, Reply::kExists, message);
    } else if ((status == 404 && single_) || Contains(result_.not_found_codes, code)) {
      out.alone = Settled(operation_, Reply::kNotFound, message);
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
        status, WithoutQuery(answer.header("Location"))));
  } else if (status == 408 || status == 504) {
    out.code = ErrorCode::kDESTINATION_TIMEOUT;
  }
  return out;
}

}  // namespace penstock::loader

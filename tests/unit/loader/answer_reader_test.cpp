#include "services/loader/domain/answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::loader {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// 2026-03-29T10:15:00Z
const WallTime kNow{std::chrono::seconds(1774779300)};

OperationSpec ByRecord() {
  OperationSpec spec;
  spec.batch.max_records = 100;
  spec.confirms = Confirms::kRecord;
  spec.result.results = "/results";
  spec.result.record = "/trace";
  spec.result.errors = "/errors";
  spec.result.error_record = "/context/trace/0";
  spec.result.message = "/message";
  spec.result.code = "/category";
  spec.result.conflict_codes = {"CONFLICT"};
  spec.result.not_found_codes = {"OBJECT_NOT_FOUND"};
  spec.result.retryable_codes = {"BUSY"};
  return spec;
}

Answer Read(const OperationSpec& spec, int status, std::string_view body,
            Operation operation = Operation::kUpsert, std::vector<uint32_t> records = {4, 7, 9},
            std::map<std::string, std::string> headers = {}) {
  const auto reader = AnswerReader::Make(operation, spec, true);
  EXPECT_TRUE(reader.ok()) << reader.status();
  const HeaderLookup lookup = [&](std::string_view name) -> std::string_view {
    const auto found = headers.find(std::string(name));
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  };
  return reader->Read({status, body, lookup}, records, kNow);
}

std::vector<RecordFate> Fates(const Answer& answer) {
  std::vector<RecordFate> fates;
  for (const auto& record : answer.records) fates.push_back(record.fate);
  return fates;
}

constexpr auto kDelivered = RecordFate::kDelivered;
constexpr auto kRejected = RecordFate::kRejected;
constexpr auto kUnanswered = RecordFate::kUnanswered;

TEST(AnswerReader, MapsResultsAndErrorsByTraceId) {
  const Answer answer = Read(ByRecord(), 207, R"({"results":[{"trace":"9"},{"trace":4}],
      "errors":[{"message":"bad phone","category":"VALIDATION","context":{"trace":["7"]}}]})");
  ASSERT_EQ(answer.verdict, Verdict::kRecords);
  EXPECT_THAT(Fates(answer), ::testing::ElementsAre(kDelivered, kRejected, kDelivered));
  EXPECT_EQ(answer.records[1].message, "bad phone");
  EXPECT_EQ(answer.records[1].code, ErrorCode::kDESTINATION_REJECTED);
}

TEST(AnswerReader, ARecordOfWhichNothingIsSaidIsUnanswered) {
  const Answer answer = Read(ByRecord(), 200, R"({"results":[{"trace":"4"},{"trace":"1"}]})");
  EXPECT_THAT(Fates(answer), ::testing::ElementsAre(kDelivered, kUnanswered, kUnanswered));
  EXPECT_EQ(answer.records[1].code, ErrorCode::kDESTINATION_BAD_ANSWER);
  EXPECT_THAT(Fates(Read(ByRecord(), 200, R"({"results":[],"errors":[]})")),
              ::testing::Each(kUnanswered));
}

TEST(AnswerReader, NonsenseIsUnanswered) {
  for (const char* body : {"", "<!DOCTYPE html><p>Sorry", "{\"results\":[{\"trace\":\"4\"", "OK"}) {
    const Answer answer = Read(ByRecord(), 200, body);
    EXPECT_EQ(answer.verdict, Verdict::kFailed) << body;
    EXPECT_FALSE(answer.answered);
    EXPECT_EQ(answer.code, ErrorCode::kDESTINATION_BAD_ANSWER);
  }
  EXPECT_FALSE(Read(OperationSpec{}, 200, "\n <HTML>login").answered);
  OperationSpec accepted;
  accepted.result.delivered_when = {202};
  EXPECT_FALSE(Read(accepted, 200, "{}").answered);
  EXPECT_EQ(Read(accepted, 202, "").verdict, Verdict::kRecords);
}

TEST(AnswerReader, ABatchIsConfirmedByItsStatus) {
  EXPECT_THAT(Fates(Read(OperationSpec{}, 204, "")), ::testing::Each(kDelivered));
  OperationSpec with_errors;
  with_errors.result.errors = "/errors";
  with_errors.result.error_record = "/i";
  EXPECT_THAT(Fates(Read(with_errors, 200, R"({"errors":[{"i":7}]})")),
              ::testing::ElementsAre(kDelivered, kRejected, kDelivered));
  EXPECT_FALSE(Read(with_errors, 200, R"({"errors":[{"text":"one of them"}]})").answered);
}

TEST(AnswerReader, WithoutTraceIdsNumbersArePositions) {
  OperationSpec spec = ByRecord();
  spec.result.record = "";
  spec.result.error_record = "/i";
  const auto reader = AnswerReader::Make(Operation::kUpsert, spec, false);
  const std::vector<uint32_t> records = {10, 20};
  const HttpAnswer both{200, R"({"results":[{},{}],"errors":[{"i":1}]})", [](auto) { return ""; }};
  EXPECT_THAT(Fates(reader->Read(both, records, kNow)),
              ::testing::ElementsAre(kDelivered, kRejected));
  const HttpAnswer one{200, R"({"results":[{}]})", [](auto) { return ""; }};
  EXPECT_THAT(Fates(reader->Read(one, records, kNow)), ::testing::Each(kUnanswered))
      << "a shorter list can't be matched";
}

Answer ReadBody(const OperationSpec& spec, const char* body,
                const std::vector<std::string>& identities) {
  const auto reader =
      AnswerReader::Make(Operation::kUpsert, spec, false, Normalisation::kLowerTrim);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<uint32_t> records(identities.size());
  return reader->Read({200, body, [](auto) { return ""; }}, records, kNow, identities);
}

TEST(AnswerReader, RecordsMayBeNamedByTheirIdentity) {
  OperationSpec spec = ByRecord();
  spec.result.by = RecordName::kIdentity;
  spec.result.record = "/email";
  spec.result.error_record = "/email";
  const Answer answer = ReadBody(spec, R"({"results":[{"email":"A@x "},{"email":"who@x"}],
      "errors":[{"email":"b@x","message":"no"}]})",
                                 {"a@x", "b@x", "c@x"});
  EXPECT_THAT(Fates(answer), ::testing::ElementsAre(kDelivered, kRejected, kUnanswered));
  EXPECT_EQ(answer.records[1].message, "no");
}

TEST(AnswerReader, ErrorsMayBeAnObjectOrPlainNames) {
  OperationSpec spec;
  spec.result.by = RecordName::kIdentity;
  spec.result.errors = "/failed";
  const std::vector<std::string> two = {"a@x", "b@x"};
  const Answer object = ReadBody(spec, R"({"failed":{"b@x":"too old"}})", two);
  EXPECT_THAT(Fates(object), ::testing::ElementsAre(kDelivered, kRejected));
  EXPECT_EQ(object.records[1].message, "too old");
  EXPECT_THAT(Fates(ReadBody(spec, R"({"failed":["a@x"]})", two)),
              ::testing::ElementsAre(kRejected, kDelivered));
  EXPECT_THAT(Fates(ReadBody(spec, R"({"failed":{}})", two)), ::testing::Each(kDelivered));
}

TEST(AnswerReader, AnElementsOutcomeDecides) {
  OperationSpec spec = ByRecord();
  spec.result.record = "";
  spec.result.outcome = "/status";
  spec.result.delivered_outcomes = {"created", "200"};
  spec.result.message = "/errors/0/message";
  spec.result.code = "/errors/0/code";
  const Answer answer = ReadBody(spec, R"({"results":[{"status":"created"},{"status":200},
      {"status":"skipped","errors":[{"message":"locked","code":"BUSY"}]},{}]})",
                                 {"a", "b", "c", "d"});
  EXPECT_THAT(Fates(answer),
              ::testing::ElementsAre(kDelivered, kDelivered, RecordFate::kRetryable, kUnanswered));
  EXPECT_EQ(answer.records[2].message, "locked");
}

TEST(AnswerReader, TheBodyItselfMayBeTheResults) {
  OperationSpec spec;
  spec.confirms = Confirms::kRecord;
  spec.result.outcome = "/success";
  spec.result.message = "/errors/0/message";
  const Answer answer = ReadBody(
      spec, R"([{"success":true},{"success":false,"errors":[{"message":"no"}]}])", {"a", "b"});
  EXPECT_THAT(Fates(answer), ::testing::ElementsAre(kDelivered, kRejected));
}

TEST(AnswerReader, ASuccessfulStatusMayHoldARefusal) {
  OperationSpec spec;
  spec.batch.max_records = 1;
  spec.result.outcome = "/ok";
  spec.result.code = "/error";
  spec.result.retryable_codes = {"ratelimited"};
  EXPECT_THAT(Fates(ReadBody(spec, R"({"ok":true})", {"a"})), ::testing::Each(kDelivered));
  const Answer refused = ReadBody(spec, R"({"ok":false,"error":"no_channel"})", {"a"});
  EXPECT_EQ(refused.verdict, Verdict::kRefused);
  EXPECT_TRUE(refused.answered);
  EXPECT_EQ(refused.alone.message, "no_channel");
  EXPECT_EQ(ReadBody(spec, R"({"ok":false,"error":"ratelimited"})", {"a"}).verdict,
            Verdict::kFailed);
  EXPECT_FALSE(ReadBody(spec, "{}", {"a"}).answered);
}

TEST(AnswerReader, CodesDecideByOperation) {
  const std::string body = R"({"results":[],"errors":[
      {"category":"CONFLICT","context":{"trace":["4"]}},
      {"category":"OBJECT_NOT_FOUND","context":{"trace":["7"]}},
      {"category":"BUSY","context":{"trace":["9"]}}]})";
  const auto records = [&](Operation operation) {
    return Read(ByRecord(), 207, body, operation).records;
  };
  auto upsert = records(Operation::kUpsert);
  EXPECT_EQ(upsert[0].code, ErrorCode::kDESTINATION_CONFLICT);
  EXPECT_EQ(upsert[1].code, ErrorCode::kDESTINATION_NOT_FOUND);
  EXPECT_EQ(upsert[1].fate, kRejected);
  EXPECT_EQ(upsert[2].fate, RecordFate::kRetryable);
  EXPECT_EQ(records(Operation::kInsert)[0].skip, SkipReason::kExists);
  EXPECT_EQ(records(Operation::kUpdate)[1].skip, SkipReason::kNotFound);
  EXPECT_EQ(records(Operation::kRemove)[1].fate, RecordFate::kUnchanged);
}

TEST(AnswerReader, StatusesOfRefusal) {
  OperationSpec batch = ByRecord();
  const Answer refused = Read(batch, 400, R"({"message":"Duplicate IDs"})");
  EXPECT_EQ(refused.verdict, Verdict::kRefused);
  EXPECT_TRUE(refused.answered);
  EXPECT_EQ(refused.message, "HTTP status 400: Duplicate IDs");
  EXPECT_EQ(Read(batch, 429, "").verdict, Verdict::kRateLimited);
  EXPECT_EQ(Read(batch, 401, "").verdict, Verdict::kUnauthenticated);
  EXPECT_EQ(Read(batch, 403, "").code, ErrorCode::kDESTINATION_FORBIDDEN);
  for (int status : {408, 500, 502, 504, 302, 405}) {
    const Answer failed = Read(batch, status, "");
    EXPECT_EQ(failed.verdict, Verdict::kFailed) << status;
    EXPECT_FALSE(failed.answered) << status;
  }
  EXPECT_EQ(Read(batch, 301, "").code, ErrorCode::kDESTINATION_REDIRECTED);
  batch.not_applied.push_back(503);
  EXPECT_TRUE(Read(batch, 503, "").answered);
}

TEST(AnswerReader, AWrongPathOfABatchDoesNotLookLikeRemovedRecords) {
  OperationSpec single;
  single.batch.max_records = 1;
  EXPECT_EQ(Read(single, 404, "", Operation::kRemove, {0}).alone.fate, RecordFate::kUnchanged);
  EXPECT_EQ(Read(ByRecord(), 404, "", Operation::kRemove).alone.fate, kRejected);
  EXPECT_EQ(Read(single, 409, "", Operation::kInsert, {0}).alone.skip, SkipReason::kExists);
}

TEST(AnswerReader, NamesEveryPointerThatIsNone) {
  OperationSpec spec = ByRecord();
  spec.result.results = "results";
  spec.result.message = "/a~2";
  const auto reader = AnswerReader::Make(Operation::kUpsert, spec, true);
  ASSERT_FALSE(reader.ok());
  EXPECT_THAT(std::string(reader.status().message()),
              ::testing::AllOf(HasSubstr("result.results"), HasSubstr("result.message")));
}

TEST(AnswerReader, MessagesAreBoundAtACharacter) {
  std::string text(kMaxMessageBytes - 1, 'a');
  text += "\xC3\xA9 and more";
  EXPECT_EQ(BoundMessage(text), std::string(kMaxMessageBytes - 1, 'a'));
  EXPECT_EQ(BoundMessage("a\nb"), "a b");
}

std::optional<Duration> Wait(std::map<std::string, std::string> headers) {
  return ReadRetryAfter(
      [&](std::string_view name) -> std::string_view {
        const auto found = headers.find(std::string(name));
        return found == headers.end() ? std::string_view() : std::string_view(found->second);
      },
      kNow);
}

TEST(RetryAfter, IsReadInAllItsForms) {
  EXPECT_EQ(Wait({{"Retry-After", "120"}}), Duration(120s));
  EXPECT_EQ(Wait({{"Retry-After", "0.5"}}), Duration(500ms));
  EXPECT_EQ(Wait({{"Retry-After", "Sun, 29 Mar 2026 10:16:00 GMT"}}), Duration(60s));
  EXPECT_EQ(Wait({{"Retry-After", "Sun, 29 Mar 2026 10:14:00 GMT"}}), Duration(0s));
  EXPECT_EQ(Wait({{"Retry-After", "soon"}, {"RateLimit-Reset", "7"}}), Duration(7s));
  EXPECT_EQ(Wait({{"X-RateLimit-Reset", "1774779330"}}), Duration(30s));
  EXPECT_EQ(Wait({{"Retry-After", "-5"}}), Duration(0s));
  EXPECT_EQ(Wait({}), std::nullopt);
}

}  // namespace
}  // namespace penstock::loader

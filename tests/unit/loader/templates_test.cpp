#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "services/common/core/status.h"
#include "services/loader/domain/request_renderer.h"
#include "tests/unit/loader/batch_fixture.h"

namespace penstock::loader {
namespace {

using test::ContextOf;
using test::MakeBatch;
using test::MakeHeader;
using test::Row;
using ::testing::HasSubstr;

class TemplatesTest : public ::testing::Test {
 protected:
  std::string Body(const std::string& body, const std::vector<Row>& rows) {
    std::vector<std::string> problems;
    const auto compiled = BodyTemplate::Compile(body, context_, problems);
    if (!compiled) return "problem: " + problems.front();
    batch_.emplace(MakeBatch(header_, rows));
    all_.resize(rows.size());
    std::iota(all_.begin(), all_.end(), 0);
    std::string out;
    compiled->Render({&*batch_, all_, keys_, resolved_, "reqkey"}, out);
    return out;
  }
  std::vector<std::string> Problems(const std::string& body) {
    std::vector<std::string> problems;
    EXPECT_FALSE(BodyTemplate::Compile(body, context_, problems));
    return problems;
  }

  BatchHeader header_ = MakeHeader({{"email"}, {"properties", "first"}, {"properties", "n"}}, {0});
  TemplateContext context_ = ContextOf(header_);
  std::optional<Batch> batch_;
  std::vector<uint32_t> all_;
  std::vector<std::string> keys_, resolved_;
};

TEST_F(TemplatesTest, SplicesEachRecord) {
  EXPECT_EQ(
      Body(R"({"inputs": {"$each": "record", "$do": {"id": "$record.identity",
             "idProperty": "$sync.identity", "trace": "$record.index", "p": "$record.fields"}}})",
           {{R"("a@x")", R"("A")", "1.50"}, {R"("b@x")", "null", "12345678901234567890"}}),
      R"({"inputs":[)"
      R"({"id":"a@x","idProperty":"email","trace":"0","p":{"email":"a@x","properties":{"first":"A","n":1.50}}},)"
      R"({"id":"b@x","idProperty":"email","trace":"1","p":{"email":"b@x","properties":{"first":null,"n":12345678901234567890}}}]})");
}

TEST_F(TemplatesTest, LeavesOutAbsentFieldsAndObjectsEmptiedByThem) {
  const std::string each = R"({"$each":"record","$do":)";
  EXPECT_EQ(Body(each + R"("$record.fields"})", {{R"("a")", {}, {}}, {R"("b")", "1", {}}}),
            R"([{"email":"a"},{"email":"b","properties":{"first":1}}])");
  EXPECT_EQ(Body(each + R"({"x":{"f":"$record.fields.properties.first"},"y":1}})", {{"1", {}, {}}}),
            R"([{"y":1}])");
  EXPECT_EQ(Body(each + R"({"x":"$record.fields.properties.first"}})", {{"1", {}, {}}}), "[{}]");
  EXPECT_EQ(Body(each + R"("$record.data"})", {{R"("a")", "1", "2"}}),
            R"([{"properties":{"first":1,"n":2}}])");
}

TEST_F(TemplatesTest, KnowsConstantsAndDollars) {
  context_.options["list"] = "7\"";
  context_.config["tenant"] = "t";
  EXPECT_EQ(
      Body(
          R"({"l":"$options.list","t":"$config.tenant","o":"$sync.object","d":"$$x","$$k":[1,"$$"]})",
          {}),
      R"({"l":"7\"","t":"t","o":"contacts","d":"$x","$k":[1,"$"]})");
}

TEST_F(TemplatesTest, ChoosesByConstant) {
  const std::string body =
      R"({"$each":"record","$do":{"id":"$record.identity","idProperty":{"$case":"$sync.identity","$of":{"email":"email"}}}})";
  EXPECT_EQ(Body(body, {{"1", {}, {}}}), R"([{"id":1,"idProperty":"email"}])");
  header_ = MakeHeader({{"hs_object_id"}}, {0});
  context_ = ContextOf(header_);
  EXPECT_EQ(Body(body, {{"1"}}), R"([{"id":1}])");
}

TEST_F(TemplatesTest, KnowsKeysAndWhatWasLookedUp) {
  keys_ = {"k0", "k1"};
  resolved_ = {"\"7\"", "8"};
  EXPECT_EQ(Body(R"({"$each":"record","$do":{"k":"$record.key","id":"$record.resolved"}})",
                 {{"1", {}, {}}, {"2", {}, {}}}),
            R"([{"k":"k0","id":"7"},{"k":"k1","id":8}])");
}

TEST_F(TemplatesTest, ListsAllProblemsWithTheirPlace) {
  const auto problems = Problems(
      R"({"a":"$record.nope","b":[{"c":"$unknown"}],"d":"$options.x","e":"$record.fields.zip",
          "f":{"$each":"row","$do":1},"g":{"$each":"record"},"$h":1})");
  EXPECT_THAT(problems,
              ::testing::ElementsAre(HasSubstr("body/a: unknown word $record.nope"),
                                     HasSubstr("body/b/0/c: unknown word $unknown"),
                                     HasSubstr("body/d: the Sync sets no option x"),
                                     HasSubstr("body/e: the Sync maps no field zip"),
                                     HasSubstr("body/f/$each"), HasSubstr("body/g: $each needs"),
                                     HasSubstr("body/$h: unknown word")));
  EXPECT_THAT(Problems("{"), ::testing::ElementsAre(HasSubstr("is no JSON")));
  context_.fields = {{{"a"}, 0}, {{"a", "b"}, 0}};
  EXPECT_THAT(Problems(R"({"$each":"record","$do":"$record.fields"})"),
              ::testing::ElementsAre(HasSubstr("a.b is a value and an object")));
}

TEST_F(TemplatesTest, CompositeIdentityIsNamedByField) {
  context_.identity_fields = {0, 1};
  EXPECT_THAT(Problems(R"("$record.identity")"), ::testing::ElementsAre(HasSubstr("of one field")));
  EXPECT_EQ(
      Body(R"({"$each":"record","$do":"$record.identity.properties.first"})", {{"1", "2", {}}}),
      "[2]");
}

class RequestTest : public TemplatesTest {
 protected:
  absl::StatusOr<RenderedRequest> Render(const RequestTemplate& request, const Row& row) {
    auto compiled = RequestRenderer::Compile(request, context_, 1, "Idempotency-Key");
    if (!compiled.ok()) return compiled.status();
    batch_.emplace(MakeBatch(header_, {row}));
    all_ = {0};
    return compiled->Render({&*batch_, all_, keys_, resolved_, "reqkey"});
  }
};

TEST_F(RequestTest, EncodesValuesInPathAndQuery) {
  context_.config["tenant"] = "a/b";
  RequestTemplate request;
  request.method = "PATCH";
  request.path = "/t/${config.tenant}/users/$record.identity/x$$";
  request.query = {{"n", "${record.fields.properties.n}"}};
  request.headers = {{"X-Name", "v $record.fields.properties.first."}};
  request.body = R"({"f":"$record.fields.properties.first"})";
  const auto rendered = Render(request, {R"("a?b/\u00e9 c")", R"("A")", "1.50"});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->target, "/t/a%2Fb/users/a%3Fb%2F%C3%A9%20c/x$?n=1.50");
  EXPECT_THAT(rendered->headers,
              ::testing::ElementsAre(::testing::Pair("Content-Type", "application/json"),
                                     ::testing::Pair("X-Name", "v A."),
                                     ::testing::Pair("Idempotency-Key", "reqkey")));
  EXPECT_EQ(rendered->body, R"({"f":"A"})");
}

TEST_F(RequestTest, AValueThatIsNoTextIsTheRecordsFault) {
  RequestTemplate request;
  request.path = "/u/$record.identity";
  for (const char* slice : {"null", "{}", "[1]"}) {
    const auto rendered = Render(request, {slice, {}, {}});
    ASSERT_FALSE(rendered.ok());
    EXPECT_EQ(CodeOf(rendered.status()), ErrorCode::kVALUE_NOT_REPRESENTABLE);
  }
  request.path = "/u";
  request.headers = {{"X", "$record.identity"}};
  EXPECT_FALSE(Render(request, {R"("a\r\nX-Evil: 1")", {}, {}}).ok());
}

TEST_F(RequestTest, AValueNeverLeadsToAnotherPath) {
  RequestTemplate request;
  request.path = "/u/$record.identity/tags";
  for (const char* slice :
       {R"("")", R"(".")", R"("..")", R"("../admin")", R"("a/../b")", R"("..\\x")"}) {
    const auto rendered = Render(request, {slice, {}, {}});
    ASSERT_FALSE(rendered.ok()) << slice;
    EXPECT_EQ(CodeOf(rendered.status()), ErrorCode::kVALUE_NOT_REPRESENTABLE);
  }
  EXPECT_EQ(Render(request, {R"("a..b/c.")", {}, {}})->target, "/u/a..b%2Fc./tags");
}

TEST_F(RequestTest, WritesALinePerRecord) {
  RequestTemplate request;
  request.path = "/u";
  request.format = BodyFormat::kNdjson;
  request.body = R"({"id":"$record.identity","k":"$record.key","p":"$record.fields.properties.n"})";
  const auto compiled = RequestRenderer::Compile(request, context_, 100, "");
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  batch_.emplace(MakeBatch(header_, {{R"("a")", {}, "{\n\"x\": 1}"}, {R"("b")", {}, {}}}));
  const std::vector<uint32_t> all = {0, 1};
  keys_ = {"k0", "k1"};
  const auto rendered = compiled->Render({&*batch_, all, keys_, {}, ""});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->body,
            "{\"id\":\"a\",\"k\":\"k0\",\"p\":{ \"x\": 1}}\n{\"id\":\"b\",\"k\":\"k1\"}\n");
  EXPECT_THAT(rendered->headers,
              ::testing::ElementsAre(::testing::Pair("Content-Type", "application/x-ndjson")));
}

// As the bulk API of Elasticsearch wants it.
TEST_F(RequestTest, WritesSeveralLinesPerRecordFromAList) {
  RequestTemplate request;
  request.path = "/_bulk";
  request.format = BodyFormat::kNdjson;
  request.body = R"([{"index":{"_id":"$record.identity"}},"$record.data"])";
  const auto compiled = RequestRenderer::Compile(request, context_, 100, "");
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  batch_.emplace(MakeBatch(header_, {{R"("a")", R"("b")", {}}, {R"("c")", {}, {}}}));
  const std::vector<uint32_t> all = {0, 1};
  const auto rendered = compiled->Render({&*batch_, all, {}, {}, ""});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->body,
            "{\"index\":{\"_id\":\"a\"}}\n{\"properties\":{\"first\":\"b\"}}\n"
            "{\"index\":{\"_id\":\"c\"}}\n{}\n");
}

TEST_F(RequestTest, WritesAForm) {
  RequestTemplate request;
  request.path = "/u";
  request.format = BodyFormat::kForm;
  request.body =
      R"({"e mail":"$record.identity","n":"$record.fields.properties.n","f":"$record.fields.properties.first","v":2})";
  const auto rendered = Render(request, {R"("a&b=\u00e9")", "null", "1.50"});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->body, "e%20mail=a%26b%3D%C3%A9&n=1.50&f=&v=2");
  EXPECT_EQ(Render(request, {R"("a")", {}, {}})->body, "e%20mail=a&v=2");
  EXPECT_EQ(CodeOf(Render(request, {R"("a")", "[1]", {}}).status()),
            ErrorCode::kVALUE_NOT_REPRESENTABLE);
  request.body = R"("$record.fields")";
  EXPECT_THAT(std::string(Render(request, {R"("a")", {}, {}}).status().message()),
              HasSubstr("the field properties.first nests, which a form can't; map it under a "
                        "literal name, like [\"properties[first]\"]"));
}

TEST_F(RequestTest, AFormMayCarryAListOfRecordsAsJson) {
  RequestTemplate request;
  request.path = "/u";
  request.format = BodyFormat::kForm;
  request.body = R"({"data":{"$each":"record","$do":{"id":"$record.identity"}}})";
  const auto compiled = RequestRenderer::Compile(request, context_, 100, "");
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  batch_.emplace(MakeBatch(header_, {{R"("a")", {}, {}}, {R"("b")", {}, {}}}));
  const std::vector<uint32_t> all = {0, 1};
  EXPECT_EQ(compiled->Render({&*batch_, all, {}, {}, ""})->body,
            "data=%5B%7B%22id%22%3A%22a%22%7D%2C%7B%22id%22%3A%22b%22%7D%5D");
}

TEST_F(RequestTest, RefusesRecordsOutsideOfEachInBatches) {
  RequestTemplate request;
  request.path = "/u/$record.identity";
  const auto compiled = RequestRenderer::Compile(request, context_, 100, "");
  ASSERT_FALSE(compiled.ok());
  EXPECT_THAT(std::string(compiled.status().message()), HasSubstr("max_records: 1"));
  request.path = "u/${config.x}";
  request.method = "FETCH";
  const auto other = RequestRenderer::Compile(request, context_, 1, "");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(std::string(other.status().message()),
              ::testing::AllOf(HasSubstr("FETCH"), HasSubstr("begin with /"),
                               HasSubstr("${config.x} is unknown or not set")));
}

}  // namespace
}  // namespace penstock::loader

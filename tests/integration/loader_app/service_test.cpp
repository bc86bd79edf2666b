#include "services/common/convert/resources.h"
#include "tests/integration/loader_app/loader_fixture.h"

namespace penstock::loader {
namespace {

using test::TestServer;
using ::testing::HasSubstr;
using ::testing::Not;

class LoaderServiceTest : public LoaderTest {
 protected:
  LoaderServiceTest() { connector_.meta.name = "http"; }

  template <typename Request>
  Request About(const Destination& destination) {
    Request request;
    *request.mutable_destination() = ToProto(destination);
    *request.mutable_connector() = ToProto(connector_);
    return request;
  }
  v1::TestConnectionResponse Test(const Destination& destination) {
    grpc::ClientContext context;
    v1::TestConnectionResponse response;
    const grpc::Status status = Service()->TestDestination(
        &context, About<pb::TestDestinationRequest>(destination), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  Connector connector_;
};

TEST_F(LoaderServiceTest, TestsADestination) {
  TestServer well([](const SeenRequest&) { return Respond(200, "{}"); });
  TestServer shut([](const SeenRequest&) { return Respond(401, "{}"); });
  const auto loader = StartLoader();
  EXPECT_TRUE(Test(MakeDestination("a", well.url())).ok());
  const v1::TestConnectionResponse refused = Test(MakeDestination("a", shut.url()));
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(refused.code(), "DESTINATION_UNAUTHENTICATED");
  EXPECT_EQ(refused.owner(), "user");
  const v1::TestConnectionResponse away = Test(MakeDestination("a", "http://127.0.0.1:1"));
  EXPECT_EQ(away.code(), "DESTINATION_UNREACHABLE");
}

TEST_F(LoaderServiceTest, ShowsTheRequestsOfABatchWithoutSecrets) {
  const auto loader = StartLoader({}, {"PENSTOCK_SECRET_KEY=open-sesame"});
  Destination destination = MakeDestination("a", "https://crm.example.com/v1");
  destination.config["key"] = "${env:PENSTOCK_SECRET_KEY}";
  destination.objects["o"].operations[Operation::kUpsert].request.query["key"] = "${config.key}";
  BatchHeader header;
  header.fields = {{{"id"}, 0}};
  header.identity_fields = {0};
  BatchBuilder builder(header);
  builder.BeginRecord({.key = {1, 1}, .row = 2}, R"({"id":7})");
  builder.AddValue("7");
  auto request = About<pb::RenderRequest>(destination);
  *request.mutable_sync() = ToProto(MakeSync("a"));
  request.add_batches(builder.Finish({}));
  grpc::ClientContext context;
  pb::RenderResponse response;
  const grpc::Status status = Service()->Render(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.requests_size(), 1);
  const v1::PlannedRequest& planned = response.requests(0);
  EXPECT_EQ(planned.method(), "POST");
  EXPECT_THAT(planned.url(), HasSubstr("https://crm.example.com/v1/records"));
  EXPECT_EQ(planned.body(), R"({"records":[{"i":"0","id":7}]})");
  EXPECT_EQ(planned.primary_keys(0), R"({"id":7})");
  EXPECT_THAT(response.DebugString(), Not(HasSubstr("open-sesame")));
}

TEST_F(LoaderServiceTest, TellsAllThatDoesNotFitAtOnce) {
  const auto loader = StartLoader({"--secrets-dir=" + dir_.path().string()});
  Destination destination = MakeDestination("a", "https://crm.example.com");
  destination.config["key"] = "${secret:missing}";
  Sync update = MakeSync("u"), elsewhere = MakeSync("e");
  update.mode = Mode::kUpdate;
  elsewhere.object = "nowhere";
  auto request = About<pb::CheckDeliveryRequest>(destination);
  for (const Sync& sync : {MakeSync("well"), update, elsewhere}) {
    *request.add_syncs() = ToProto(sync);
  }
  grpc::ClientContext context;
  pb::CheckDeliveryResponse response;
  const grpc::Status status = Service()->CheckDelivery(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::map<std::string, std::string> problems;
  for (const pb::FieldProblem& problem : response.problems()) {
    problems[problem.kind() + "/" + problem.name() + "/" + problem.field()] = problem.code();
  }
  EXPECT_THAT(problems, ::testing::UnorderedElementsAre(
                            ::testing::Pair("Destination/a/spec.config", "SECRET_NOT_FOUND"),
                            ::testing::Pair("Sync/u/spec.mode", "INVALID_RESOURCE"),
                            ::testing::Pair("Sync/e/spec.object", "INVALID_RESOURCE")));
}

}  // namespace
}  // namespace penstock::loader

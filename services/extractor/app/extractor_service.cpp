#include "services/extractor/app/extractor_service.h"

#include <boost/asio/post.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "services/common/convert/resources.h"
#include "services/common/core/status.h"
#include "services/common/rpc/server_unary.h"
#include "services/extractor/app/task_context.h"

namespace penstock::extractor {
namespace {

// Runs blocking work on the pool and ends the call with its result.
template <typename Request, typename Response, typename Work>
grpc::ServerUnaryReactor* ServeOn(boost::asio::thread_pool& pool, grpc::CallbackServerContext* call,
                                  const Request* request, Response* response, Work work) {
  return ServeUnary(
      call, request, response, [&](const Request& in, const RpcContext&, UnaryDone<Response> done) {
        auto end = std::make_shared<UnaryDone<Response>>(std::move(done));
        boost::asio::post(pool, [&in, end, work = std::move(work)] { (*end)(work(in)); });
      });
}

void CheckSync(const pb::SyncToCheck& check, const Model& model, const Source& source,
               const ModelDescription& description, const Secrets& secrets,
               pb::DescribeModelResponse& response) {
  const Sync sync = FromProto(check.sync());
  const Connector connector = FromProto(check.connector());
  const auto report = [&](const std::string& field, const std::string& message, ErrorCode code) {
    pb::FieldProblem& problem = *response.add_problems();
    problem.set_kind("Sync");
    problem.set_name(sync.meta.name);
    problem.set_field(field);
    problem.set_message(message);
    problem.set_code(std::string(Name(code)));
  };
  const auto object = ObjectOf(connector, Destination(), sync.object);
  if (!object.ok()) {
    report("spec.object", std::string(object.status().message()), *CodeOf(object.status()));
    return;
  }
  const CompileResult result =
      CompileFor(sync, model, description, source, connector, *object, secrets);
  for (const CompileError& error : result.errors)
    report("spec." + error.field, error.message, error.code);
  if (result.program.has_value()) {
    (*response.mutable_identity_fingerprints())[sync.meta.name] =
        result.program->identity_fingerprint;
  }
}

absl::StatusOr<pb::DescribeModelResponse> Describe(const pb::DescribeModelRequest& request,
                                                   const Secrets& secrets) {
  const Source source = FromProto(request.source());
  const Model model = FromProto(request.model());
  PENSTOCK_ASSIGN_OR_RETURN(const auto warehouse, OpenWarehouse(source, secrets));
  PENSTOCK_ASSIGN_OR_RETURN(const ModelDescription description, warehouse->Describe(model));
  pb::DescribeModelResponse response;
  for (const Column& column : description.columns) {
    pb::Column& out = *response.add_columns();
    out.set_name(column.name);
    out.set_type(column.type.name);
  }
  for (const pb::SyncToCheck& check : request.syncs())
    CheckSync(check, model, source, description, secrets, response);
  return response;
}

penstock::v1::TestConnectionResponse Test(const pb::TestSourceRequest& request,
                                          const Secrets& secrets) {
  penstock::v1::TestConnectionResponse response;
  const Source source = FromProto(request.source());
  const auto warehouse = OpenWarehouse(source, secrets);
  const absl::Status status = warehouse.ok() ? (*warehouse)->Test() : warehouse.status();
  response.set_ok(status.ok());
  if (status.ok()) {
    response.add_findings(
        absl::StrCat("Source \"", source.meta.name, "\" can be reached and read"));
    return response;
  }
  response.add_findings(std::string(status.message()));
  response.set_code(std::string(Name(*CodeOf(status))));
  response.set_owner(std::string(Name(OwnerOf(*CodeOf(status)))));
  return response;
}

}  // namespace

grpc::ServerUnaryReactor* ExtractorService::DescribeModel(Call* call,
                                                          const pb::DescribeModelRequest* request,
                                                          pb::DescribeModelResponse* response) {
  return ServeOn(pool_, call, request, response,
                 [this](const pb::DescribeModelRequest& in) { return Describe(in, secrets_); });
}

grpc::ServerUnaryReactor* ExtractorService::TestSource(
    Call* call, const pb::TestSourceRequest* request,
    penstock::v1::TestConnectionResponse* response) {
  return ServeOn(
      pool_, call, request, response,
      [this](const pb::TestSourceRequest& in)
          -> absl::StatusOr<penstock::v1::TestConnectionResponse> { return Test(in, secrets_); });
}

}  // namespace penstock::extractor

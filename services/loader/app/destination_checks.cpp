#include "services/loader/app/destination_checks.h"

#include "absl/strings/str_cat.h"
#include "services/common/convert/resources.h"
#include "services/common/core/status.h"
#include "services/common/model/resource_set.h"
#include "services/loader/app/read_plan.h"
#include "services/loader/app/sync_header.h"
#include "services/loader/destinations/http/http_test.h"
#include "services/loader/destinations/postgres/postgres_writer.h"

namespace penstock::loader {

namespace asio = boost::asio;
namespace pb = penstock::internal::v1;

namespace {

void AddProblem(std::string_view kind, const std::string& name, const std::string& field,
                const absl::Status& status, pb::CheckDeliveryResponse& out) {
  pb::FieldProblem& problem = *out.add_problems();
  problem.set_kind(std::string(kind));
  problem.set_name(name);
  problem.set_field(field);
  problem.set_message(std::string(status.message()));
  problem.set_code(std::string(Name(*CodeOf(status))));
}

// A mistake in what a user wrote inline is the Destination's, else the connector's.
void CheckOperation(const Sync& sync, const Connector& connector, const Destination& destination,
                    const Connection& connection, Operation operation,
                    pb::CheckDeliveryResponse& out) {
  const absl::Status made =
      MakeWriter(sync, connector, connection, HeaderOf(sync, connector, operation)).status();
  if (made.ok()) return;
  if (connector.native == "postgres")
    return AddProblem("Sync", sync.meta.name, "spec.mapping", made, out);
  if (CodeOf(made) == ErrorCode::kINVALID_CONFIGURATION) {
    return AddProblem("Destination", destination.meta.name, "spec.config", made, out);
  }
  const ObjectSpec* object = FindObject(connector, sync.object);
  if (object == nullptr) return AddProblem("Sync", sync.meta.name, "spec.object", made, out);
  if (!object->operations.contains(operation)) {
    return AddProblem("Sync", sync.meta.name, "spec.mode", made, out);
  }
  const bool is_inline = destination.objects.contains(sync.object);
  AddProblem(is_inline ? "Destination" : "Connector",
             is_inline ? destination.meta.name : connector.meta.name,
             absl::StrCat("spec.objects.", sync.object, ".operations.", Absl(Name(operation))),
             WithContext(made, absl::StrCat("for Sync ", sync.meta.name)), out);
}

void TellFailure(const absl::Status& status, v1::TestConnectionResponse& out) {
  const ErrorCode code = *CodeOf(status);
  out.set_ok(false);
  out.set_code(std::string(Name(code)));
  out.set_owner(std::string(Name(OwnerOf(code))));
  out.add_findings(std::string(status.message()));
}

asio::awaitable<absl::Status> TestPostgres(const Connection& connection, const Sync& sync,
                                           const Connector& connector, BootTime deadline) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(
      const auto writer,
      PostgresWriter::Make(
          connection.postgres,
          {.table = sync.object, .header = HeaderOf(sync, connector, OperationFor(sync.mode))}));
  co_return co_await writer->Test(deadline);
}

asio::awaitable<absl::Status> TestSession(const Connection& connection, BootTime deadline) {
  absl::Status status;
  co_await connection.postgres->Run(
      deadline, [&](const absl::StatusOr<PgConnection*>& session) { status = session.status(); });
  co_return status;
}

}  // namespace

pb::CheckDeliveryResponse CheckDelivery(const asio::any_io_executor& executor,
                                        const LoaderSettings& loader,
                                        const pb::CheckDeliveryRequest& request) {
  pb::CheckDeliveryResponse out;
  const Destination destination = FromProto(request.destination());
  const Connector connector = EffectiveConnector(FromProto(request.connector()), destination);
  const auto resolved = ResolveSettings(Secrets(loader.secrets_dir), connector, destination);
  if (!resolved.ok()) {
    AddProblem("Destination", destination.meta.name, "spec.config", resolved.status(), out);
  }
  OAuthTokens tokens;
  const auto connection =
      MakeConnection(executor, loader, MaskedSettings(connector, destination), tokens);
  if (!connection.ok()) {
    AddProblem("Destination", destination.meta.name, "spec.config", connection.status(), out);
    return out;
  }
  for (const v1::Sync& proto : request.syncs()) {
    const Sync sync = FromProto(proto);
    for (const Operation operation : OperationsOf(sync)) {
      CheckOperation(sync, connector, destination, **connection, operation, out);
    }
  }
  return out;
}

asio::awaitable<v1::TestConnectionResponse> TestDestination(
    asio::any_io_executor executor, const LoaderSettings& loader,
    const pb::TestDestinationRequest& request) {
  v1::TestConnectionResponse out;
  const Destination destination = FromProto(request.destination());
  const Connector connector = EffectiveConnector(FromProto(request.connector()), destination);
  auto settings = ResolveSettings(Secrets(loader.secrets_dir), connector, destination);
  if (!settings.ok()) {
    TellFailure(settings.status(), out);
    co_return out;
  }
  out.add_findings("all references to secrets are known");
  OAuthTokens tokens;  // its own: an old one would say nothing of the credentials
  const auto made = MakeConnection(executor, loader, *std::move(settings), tokens);
  if (!made.ok()) {
    TellFailure(made.status(), out);
    co_return out;
  }
  const Connection& connection = **made;
  const BootTime deadline = BootClock::now() + loader.attempt_timeout;
  absl::Status status;
  if (connection.postgres) {
    status = co_await TestSession(connection, deadline);
    if (status.ok()) out.add_findings("the database takes the credentials");
    for (const v1::Sync& proto : request.syncs()) {
      if (!status.ok()) break;
      const Sync sync = FromProto(proto);
      status = co_await TestPostgres(connection, sync, connector, deadline);
      if (status.ok()) {
        out.add_findings(absl::StrCat("table ", sync.object, " fits Sync ", sync.meta.name));
      }
    }
  } else {
    const auto path = connection.settings.config.find("test_path");
    HttpTestSpec spec{.base_url = connection.settings.base_url,
                      .credentials = CredentialReferences(connector, destination)};
    if (path != connection.settings.config.end()) spec.test_path = path->second;
    HttpTestResult result = co_await TestHttpDestination(
        *connection.http, *connection.auth, std::move(spec), deadline, Clock::System());
    for (std::string& finding : result.findings) out.add_findings(std::move(finding));
    status = result.status;
  }
  if (status.ok()) {
    out.set_ok(true);
  } else {
    TellFailure(status, out);
  }
  co_return out;
}

absl::StatusOr<pb::RenderResponse> RenderBatches(const asio::any_io_executor& executor,
                                                 const LoaderSettings& loader,
                                                 const pb::RenderRequest& request) {
  const Destination destination = FromProto(request.destination());
  const Connector connector = EffectiveConnector(FromProto(request.connector()), destination);
  const Sync sync = FromProto(request.sync());
  OAuthTokens tokens;
  PENSTOCK_ASSIGN_OR_RETURN(
      const auto connection,
      MakeConnection(executor, loader, MaskedSettings(connector, destination), tokens));
  const auto url = ParseBaseUrl(connection->settings.base_url);
  const std::string origin =
      connection->postgres || !url.ok() ? std::string() : url->origin.ToString();
  pb::RenderResponse out;
  for (const std::string& encoded : request.batches()) {
    PENSTOCK_ASSIGN_OR_RETURN(const Batch batch, Batch::Decode(encoded));
    PENSTOCK_ASSIGN_OR_RETURN(const auto writer,
                              MakeWriter(sync, connector, *connection, batch.header()));
    std::vector<uint32_t> records(batch.size());
    for (uint32_t i = 0; i < batch.size(); ++i) records[i] = i;
    PENSTOCK_ASSIGN_OR_RETURN(const std::vector<RenderedRequest> rendered,
                              writer->Render(batch, records));
    for (const RenderedRequest& one : rendered) {
      v1::PlannedRequest& planned = *out.add_requests();
      planned.set_method(one.method);
      planned.set_url(origin + one.target);
      planned.set_body(one.body);
      for (uint32_t i = 0; i < batch.size(); ++i) {
        planned.add_primary_keys(std::string(batch.label(i)));
      }
    }
  }
  return out;
}

}  // namespace penstock::loader

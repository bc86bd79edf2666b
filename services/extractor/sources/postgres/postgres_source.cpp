#include "services/extractor/sources/postgres/postgres_source.h"

#include <libpq-fe.h>

#include <algorithm>

#include "services/common/core/status.h"
#include "services/extractor/sources/postgres/copy_parser.h"
#include "services/extractor/sources/postgres/describe.h"

namespace penstock {
namespace {

// A block is given on when it has this many rows or bytes.
constexpr size_t kBlockRows = 64;
constexpr size_t kBlockBytes = 4 << 20;

struct FreeCopyData {
  void operator()(char* data) const { PQfreemem(data); }
};

absl::Status Cancelled() {
  return Error(ErrorCode::kSOURCE_QUERY_FAILED, "the read of the warehouse was cancelled");
}

}  // namespace

class PostgresSource::Cancellable {
 public:
  Cancellable(PostgresSource& source, const SourceConnection& connection) : source_(source) {
    std::lock_guard lock(source_.mutex_);
    source_.cancel_.reset(PQgetCancel(connection.raw()));
  }
  ~Cancellable() {
    std::lock_guard lock(source_.mutex_);
    source_.cancel_.reset();
  }
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;

 private:
  PostgresSource& source_;
};

absl::StatusOr<std::unique_ptr<PostgresSource>> PostgresSource::Make(const Source& source) {
  PENSTOCK_ASSIGN_OR_RETURN(PostgresSettings settings, ReadPostgresSettings(source));
  return std::unique_ptr<PostgresSource>(new PostgresSource(std::move(settings)));
}

absl::StatusOr<SourceConnection> PostgresSource::Open() {
  cancelled_ = false;
  PENSTOCK_ASSIGN_OR_RETURN(SourceConnection connection, SourceConnection::Connect(settings_));
  PENSTOCK_RETURN_IF_ERROR(connection.BeginReadOnly());
  return connection;
}

absl::Status PostgresSource::Test() {
  PENSTOCK_ASSIGN_OR_RETURN(SourceConnection connection, Open());
  return connection.Run("SELECT 1").status();
}

absl::StatusOr<ModelDescription> PostgresSource::Describe(const Model& model) {
  PENSTOCK_ASSIGN_OR_RETURN(SourceConnection connection, Open());
  Cancellable cancellable(*this, connection);
  return DescribeModel(connection, model, settings_.schema);
}

absl::Status PostgresSource::Read(const Model& model, std::span<const SelectColumn> columns,
                                  const RowKey& key, const RowBlockHandler& handler) {
  PENSTOCK_ASSIGN_OR_RETURN(ModelQuery query, ReadQuery(model, settings_.schema, columns, key));
  PENSTOCK_ASSIGN_OR_RETURN(SourceConnection connection, Open());
  Cancellable cancellable(*this, connection);
  absl::StatusOr<PgResultPtr> started = connection.Run(query.sql, &query);
  if (!started.ok()) return ReadFailure(started.status(), model, columns);
  return Stream(connection, query, columns.size(), handler);
}

absl::Status PostgresSource::Stream(SourceConnection& connection, const ModelQuery& query,
                                    size_t columns, const RowBlockHandler& handler) {
  CopyParser parser(columns);
  std::vector<std::unique_ptr<char, FreeCopyData>> pieces;
  size_t bytes = 0;
  auto give_on = [&]() -> absl::Status {
    if (cancelled_) return Cancelled();
    if (parser.rows() > 0) PENSTOCK_RETURN_IF_ERROR(handler(parser.Block()));
    parser.Clear();
    pieces.clear();
    bytes = 0;
    return absl::OkStatus();
  };
  while (true) {
    char* data = nullptr;
    int size = PQgetCopyData(connection.raw(), &data, 0);
    if (size < 0) break;  // the end, or an error that PQgetResult tells
    pieces.emplace_back(data);
    bytes += static_cast<size_t>(size);
    bytes_read_ += static_cast<uint64_t>(size);
    PENSTOCK_RETURN_IF_ERROR(parser.Add({data, static_cast<size_t>(size)}));
    if (parser.rows() >= kBlockRows || bytes >= kBlockBytes) PENSTOCK_RETURN_IF_ERROR(give_on());
  }
  PgResultPtr result(PQgetResult(connection.raw()));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK)
    return cancelled_ ? Cancelled() : connection.Failure(result.get(), &query);
  if (!parser.complete())
    return Error(ErrorCode::kSOURCE_CONNECTION_LOST,
                 "warehouse " + settings_.place + " ended the read without its end mark");
  return give_on();
}

absl::Status PostgresSource::ReadFailure(const absl::Status& status, const Model& model,
                                         std::span<const SelectColumn> columns) {
  if (cancelled_) return Cancelled();
  if (CodeOf(status) != ErrorCode::kSOURCE_QUERY_FAILED) return status;
  // Of the many ways to fail, a column that has gone from the model is told apart by looking.
  absl::StatusOr<SourceConnection> connection = Open();
  if (!connection.ok()) return status;
  absl::StatusOr<ModelDescription> now = DescribeModel(*connection, model, settings_.schema);
  if (!now.ok()) return status;
  for (const SelectColumn& column : columns) {
    if (std::none_of(now->columns.begin(), now->columns.end(),
                     [&](const Column& c) { return c.name == column.name; }))
      return Error(ErrorCode::kMODEL_COLUMN_MISSING,
                   "model \"" + model.meta.name + "\" no longer has the column \"" + column.name +
                       "\"; bring it back, or take it out of the Sync's mapping");
  }
  return status;
}

void PostgresSource::Cancel() {
  cancelled_ = true;
  std::lock_guard lock(mutex_);
  char ignored[256];
  // Best effort: when it does not arrive, the read ends at its next block.
  if (cancel_ != nullptr) PQcancel(cancel_.get(), ignored, sizeof ignored);
}

}  // namespace penstock

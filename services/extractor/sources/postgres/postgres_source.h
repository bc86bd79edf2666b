#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "services/extractor/domain/warehouse.h"
#include "services/extractor/sources/postgres/connection_settings.h"
#include "services/extractor/sources/postgres/source_connection.h"

namespace penstock {

// PostgreSQL 12 to 17 as a warehouse, through libpq. Every call opens a connection of its own and
// does all in one read-only transaction, so read-only credentials are enough. Timestamps of a read
// are those of its snapshot.
class PostgresSource final : public Warehouse {
 public:
  // `source` with its references resolved. INVALID_CONFIGURATION when its config is wrong.
  static absl::StatusOr<std::unique_ptr<PostgresSource>> Make(const Source& source);

  absl::Status Test() override;
  absl::StatusOr<ModelDescription> Describe(const Model& model) override;
  absl::Status Read(const Model& model, std::span<const SelectColumn> columns, const RowKey& key,
                    const RowBlockHandler& handler) override;
  uint64_t BytesRead() const override { return bytes_read_; }
  void Cancel() override;

 private:
  // Lets Cancel() reach the connection of the call that is under way.
  class Cancellable;

  explicit PostgresSource(PostgresSettings settings) : settings_(std::move(settings)) {}
  absl::StatusOr<SourceConnection> Open();
  absl::Status Stream(SourceConnection& connection, const ModelQuery& query, size_t columns,
                      const RowBlockHandler& handler);
  absl::Status ReadFailure(const absl::Status& status, const Model& model,
                           std::span<const SelectColumn> columns);

  const PostgresSettings settings_;
  std::mutex mutex_;  // guards cancel_
  std::unique_ptr<pg_cancel, FreePg> cancel_;
  std::atomic<bool> cancelled_ = false;
  uint64_t bytes_read_ = 0;
};

}  // namespace penstock

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/batch.h"
#include "services/loader/destinations/destination_writer.h"
#include "services/loader/destinations/postgres/postgres_sessions.h"
#include "services/loader/destinations/postgres/postgres_target.h"

namespace penstock::loader {

// Writes to a table of a PostgreSQL database, one transaction an attempt: COPY into a temporary
// table, then one statement for each set of fields that its records have. Values stay binary all
// the way and are cast to the column's type only where it differs. A transaction that fails applied
// nothing; only a COMMIT without an answer leaves doubt. The identity needs a unique constraint or
// index for upsert, insert and append.
class PostgresWriter final : public DestinationWriter {
 public:
  // INVALID_RESOURCE when a field's path is nested: columns are flat. `target.header`: fields,
  // identity and operation of the batches that will come.
  static absl::StatusOr<std::unique_ptr<PostgresWriter>> Make(
      std::shared_ptr<PostgresSessions> sessions, PostgresTarget target);

  boost::asio::awaitable<Answer> Write(WriteRequest request) override;
  absl::StatusOr<std::vector<RenderedRequest>> Render(
      const Batch& batch, std::span<const uint32_t> records) const override;

  // Whether the database takes the credentials, has the table with all columns, and, for upsert,
  // insert and append, a unique constraint on the identity. The error says what is wrong and who
  // must act.
  boost::asio::awaitable<absl::Status> Test(BootTime deadline);

 private:
  PostgresWriter(std::shared_ptr<PostgresSessions> sessions, PostgresTarget target)
      : sessions_(std::move(sessions)), target_(std::move(target)) {}
  Operation operation() const { return target_.header.operation; }
  Answer Attempt(PgConnection& session, const WriteRequest& request) const;

  std::shared_ptr<PostgresSessions> sessions_;
  PostgresTarget target_;
};

}  // namespace penstock::loader

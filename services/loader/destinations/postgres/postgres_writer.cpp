#include "services/loader/destinations/postgres/postgres_writer.h"

#include <algorithm>
#include <chrono>

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/pg/pg_errors.h"
#include "services/loader/destinations/postgres/postgres_answer.h"
#include "services/loader/destinations/postgres/postgres_target.h"

namespace penstock::loader {

namespace asio = boost::asio;

namespace {

bool NeedsUnique(Operation operation) {
  return operation == Operation::kUpsert || operation == Operation::kInsert ||
         operation == Operation::kAppend;
}

// What an operation that touched only some of its records means for the others.
RecordResult Untouched(Operation operation) {
  return NeedsUnique(operation) ? Exists(operation, "a row of this identity exists")
                                : NotFound(operation, "the table has no row of this identity");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresWriter>> PostgresWriter::Make(
    std::shared_ptr<PostgresSessions> sessions, std::string table, const BatchHeader& header) {
  for (const BatchField& field : header.fields) {
    if (field.path.size() != 1) {
      return Error(ErrorCode::kINVALID_RESOURCE,
                   fmt::format("field {}: columns of a table are flat; write a name with a dot as "
                               "[\"{}\"]",
                               FieldName(field.path), FieldName(field.path)));
    }
  }
  return std::unique_ptr<PostgresWriter>(
      new PostgresWriter(std::move(sessions), std::move(table), header));
}

asio::awaitable<Answer> PostgresWriter::Write(WriteRequest request) {
  Answer answer;
  co_await sessions_->Run(request.deadline, [&](absl::StatusOr<PgConnection*> session) {
    answer = session.ok() ? Attempt(**session, request) : AnswerForConnect(session.status());
  });
  co_return answer;
}

Answer PostgresWriter::Attempt(PgConnection& session, const WriteRequest& request) const {
  const auto refused = [&](const absl::Status& status) {
    return AnswerForFailure(status, request.records.size());
  };
  const auto not_allowed = [&] { return request.may_write && !request.may_write(); };
  if (not_allowed()) return AnswerNotAllowed();
  auto transaction = PgTransaction::Begin(session);
  if (!transaction.ok()) return refused(transaction.status());
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(request.deadline - BootClock::now());
  if (auto set = session.ExecScript(
          fmt::format("SET LOCAL statement_timeout = {}", std::max<int64_t>(1, left.count())));
      !set.ok()) {
    return refused(set);
  }
  const auto layout = DescribeTarget(session, table_, header_);
  if (!layout.ok()) return refused(layout.status());
  if (auto created = session.ExecScript(CreateStagingSql(*layout)); !created.ok()) {
    return refused(created);
  }
  bool copied = false;
  const auto copy = session.CopyIn(CopySql(*layout), [&](std::string& piece) {
    if (copied) return false;
    piece = CopyData(*request.batch, request.records);
    return copied = true;
  });
  if (!copy.ok()) return refused(copy);
  const auto applied = session.Exec(ApplySql(*layout, header_.operation), {});
  if (!applied.ok()) return refused(applied.status());

  const RecordResult delivered{RecordFate::kDelivered, SkipReason::kNone, {}, {}};
  const bool all = header_.operation == Operation::kUpsert;
  Answer answer = ForAll(request.records.size(), all ? delivered : Untouched(header_.operation));
  for (int row = 0; !all && row < applied->rows(); ++row) {
    answer.records[applied->UInt(row, 0)] = delivered;
  }
  // Nothing is applied before this; whether it was, is unknown when no answer comes.
  if (not_allowed()) return AnswerNotAllowed();
  const absl::Status committed = transaction->Commit();
  return committed.ok() ? answer : refused(committed);
}

absl::StatusOr<std::vector<RenderedRequest>> PostgresWriter::Render(
    const Batch&, std::span<const uint32_t> records) const {
  TargetLayout layout;
  layout.table = table_;
  layout.identity = header_.identity_fields;
  for (const BatchField& field : header_.fields) {
    layout.columns.push_back({field.path.front(), "", StagedType(field.pg_type)});
    layout.wire_types.push_back({field.pg_type, ""});
  }
  return std::vector<RenderedRequest>{
      {"SQL",
       fmt::format("{} rows into {}", records.size(), QuoteTable(table_)),
       {},
       ApplySql(layout, header_.operation)}};
}

asio::awaitable<absl::Status> PostgresWriter::Test(BootTime deadline) {
  absl::Status status;
  co_await sessions_->Run(deadline, [&](absl::StatusOr<PgConnection*> session) {
    if (!session.ok()) {
      const Answer answer = AnswerForConnect(session.status());
      status = Error(answer.code, answer.message);
      return;
    }
    const auto layout = DescribeTarget(**session, table_, header_);
    status = layout.status();
    if (status.ok() && NeedsUnique(header_.operation)) status = CheckUnique(**session, *layout);
  });
  co_return status;
}

}  // namespace penstock::loader

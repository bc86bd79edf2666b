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
  return NeedsUnique(operation)
             ? Settled(operation, Reply::kExists, "a row of this identity exists")
             : Settled(operation, Reply::kNotFound, "the table has no row of this identity");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresWriter>> PostgresWriter::Make(
    std::shared_ptr<PostgresSessions> sessions, PostgresTarget target) {
  for (const BatchField& field : target.header.fields) {
    if (field.path.size() != 1) {
      return Error(ErrorCode::kINVALID_RESOURCE,
                   fmt::format("field {}: columns of a table are flat; write a name with a dot as "
                               "[\"{}\"]",
                               FieldName(field.path), FieldName(field.path)));
    }
  }
  return std::unique_ptr<PostgresWriter>(
      new PostgresWriter(std::move(sessions), std::move(target)));
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
  const auto layout = DescribeTarget(session, target_);
  if (!layout.ok()) return refused(layout.status());
  if (auto created = session.ExecScript(CreateStagingSql(*layout)); !created.ok()) {
    return refused(created);
  }
  bool copied = false;
  uint64_t sent_bytes = 0;
  const auto copy = session.CopyIn(CopySql(*layout), [&](std::string& piece) {
    if (copied) return false;
    piece = CopyData(*request.batch, request.records);
    sent_bytes = piece.size();
    return copied = true;
  });
  if (!copy.ok()) return refused(copy);

  const RecordResult delivered = Settled(operation(), Reply::kTaken);
  const bool all = operation() == Operation::kUpsert;
  Answer answer = ForAll(request.records.size(), all ? delivered : Untouched(operation()));
  answer.sent_bytes = sent_bytes;
  for (const LeftOut& left_out : FieldSets(*layout, *request.batch, request.records)) {
    const auto applied = session.Exec(ApplySql(*layout, operation(), left_out), {});
    if (!applied.ok()) return refused(applied.status());
    for (int row = 0; !all && row < applied->rows(); ++row) {
      answer.records[applied->UInt(row, 0)] = delivered;
    }
  }
  // Nothing is applied before this; whether it was, is unknown when no answer comes.
  if (not_allowed()) return AnswerNotAllowed();
  const absl::Status committed = transaction->Commit();
  return committed.ok() ? answer : refused(committed);
}

absl::StatusOr<std::vector<RenderedRequest>> PostgresWriter::Render(
    const Batch& batch, std::span<const uint32_t> records) const {
  TargetLayout layout{.table = target_.table,
                      .identity = target_.header.identity_fields,
                      .omittable = target_.omittable};
  for (const BatchField& field : target_.header.fields) {
    layout.columns.push_back({field.path.front(), "", StagedType(field.pg_type)});
    layout.wire_types.push_back({field.pg_type, ""});
  }
  std::vector<RenderedRequest> out;
  for (const LeftOut& left_out : FieldSets(layout, batch, records)) {
    out.push_back({"SQL",
                   fmt::format("{} rows into {}", records.size(), QuoteTable(layout.table)),
                   {},
                   ApplySql(layout, operation(), left_out)});
  }
  return out;
}

asio::awaitable<absl::Status> PostgresWriter::Test(BootTime deadline) {
  absl::Status status;
  co_await sessions_->Run(deadline, [&](absl::StatusOr<PgConnection*> session) {
    if (!session.ok()) {
      const Answer answer = AnswerForConnect(session.status());
      status = Error(answer.code, answer.message);
      return;
    }
    const auto layout = DescribeTarget(**session, target_);
    status = layout.status();
    if (status.ok() && NeedsUnique(operation())) status = CheckUnique(**session, *layout);
  });
  co_return status;
}

}  // namespace penstock::loader

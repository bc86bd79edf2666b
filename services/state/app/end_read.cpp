#include "services/state/app/end_read.h"

#include <memory>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/core/testpoint.h"
#include "services/common/pg/pg_pool.h"
#include "services/common/rpc/server_upload.h"
#include "services/state/app/serve.h"
#include "services/state/app/task_store.h"

namespace penstock::state {
namespace {

namespace pb = penstock::internal::v1;
using Upload = ServerUpload<pb::EndReadRequest, pb::EndReadResponse>;

// Where the upload of one read stands; touched by one message at a time.
struct Progress {
  pb::ReadSummary summary;
  int bitmap_pieces = 0;
};

absl::Status StoreMessage(PgTransaction& tx, const pb::EndReadRequest& message,
                          const Progress& progress) {
  const pb::ReadSummary& summary = progress.summary;
  // First, for it locks the run alone, and what follows locks it with others.
  if (message.last()) PENSTOCK_RETURN_IF_ERROR(EndRead(tx, summary));
  if (!message.bitmap().empty()) {
    PENSTOCK_RETURN_IF_ERROR(StoreSeen(tx, summary, progress.bitmap_pieces, message.bitmap()));
  }
  if (!message.invalid().empty()) {
    PENSTOCK_RETURN_IF_ERROR(StoreInvalid(tx, summary, message.invalid()));
  }
  for (const pb::PlanSample& sample : message.samples())
    PENSTOCK_RETURN_IF_ERROR(StoreSample(tx, summary, sample));
  PENSTOCK_TESTPOINT("state.end_read_before_commit");
  return absl::OkStatus();
}

}  // namespace

grpc::ServerReadReactor<pb::EndReadRequest>* ServeEndRead(PgPool& pool,
                                                          const grpc::CallbackServerContext& call,
                                                          pb::EndReadResponse* response) {
  auto progress = std::make_shared<Progress>();
  auto message = [&pool, progress](const Upload::Ptr& upload, pb::EndReadRequest request) {
    upload->PauseReading();
    if (request.has_summary()) progress->summary = request.summary();
    auto in = std::make_shared<pb::EndReadRequest>(std::move(request));
    pool.Run([progress, in](PgTransaction& tx) { return StoreMessage(tx, *in, *progress); },
             [progress, in, upload](const absl::Status& status) {
               if (!status.ok()) {
                 upload->End(status);
                 return;
               }
               if (in->last()) {
                 upload->End(pb::EndReadResponse());
                 return;
               }
               progress->bitmap_pieces += in->bitmap().empty() ? 0 : 1;
               upload->ResumeReading();
             },
             BootClock::now() + kPatience);
  };
  auto complete = [](const Upload::Ptr& upload) {
    upload->End(Error(ErrorCode::kINVALID_REQUEST, "the stream ended before its last message"));
  };
  return Upload::Start(call, response,
                       {.message = std::move(message), .complete = std::move(complete)})
      .get();
}

}  // namespace penstock::state

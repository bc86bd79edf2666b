#include "services/loader/app/batch_grant.h"

#include <utility>

#include "services/common/core/testpoint.h"

namespace penstock::loader {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

namespace {

GrantAnswer AnswerOf(pb::Refused::Reason reason) {
  switch (reason) {
    case pb::Refused::REASON_BUSY:
      return GrantAnswer::kBusy;
    case pb::Refused::REASON_LIMIT:
      return GrantAnswer::kLimit;
    default:
      return GrantAnswer::kOver;
  }
}

}  // namespace

BatchGrant::BatchGrant(DeliverStream& state, const asio::any_io_executor& executor,
                       const Batch& batch, Duration margin)
    : state_(state), batch_(batch), margin_(margin), free_(executor) {}

asio::awaitable<GrantAnswer> BatchGrant::Acquire(Duration attempt) {
  co_await Enter();
  GrantAnswer answer = GrantAnswer::kGranted;
  while (!(open_ && BootClock::now() + attempt <= ends_)) {
    PENSTOCK_TESTPOINT("loader.before_begin");
    const BootTime asked = BootClock::now();
    auto response = co_await state_.Ask(Begin(attempt));
    if (!response.ok()) {
      answer = GrantAnswer::kEnded;
      break;
    }
    if (!response->has_granted()) {
      open_ = false;
      answer = AnswerOf(response->refused().reason());
      break;
    }
    granted_ = std::move(*response->mutable_granted());
    // An answer that was long in coming may leave too little; then it is asked again.
    open_ = true;
    ends_ = asked + milliseconds(granted_.length_ms());
    PENSTOCK_TESTPOINT("loader.granted");
  }
  Leave();
  co_return answer;
}

asio::awaitable<GrantAnswer> BatchGrant::Report(std::string outcomes, std::string unanswered,
                                                std::vector<pb::RecordProblem> problems,
                                                bool all_answered) {
  co_await Enter();
  pb::DeliverRequest request;
  pb::Report& report = *request.mutable_report();
  FillRef(*report.mutable_batch());
  report.set_grant_no(granted_.grant_no());
  report.set_outcomes(std::move(outcomes));
  report.set_unanswered(std::move(unanswered));
  for (pb::RecordProblem& problem : problems) *report.add_problems() = std::move(problem);
  const auto response = co_await state_.Ask(std::move(request));
  GrantAnswer answer = GrantAnswer::kGranted;
  if (!response.ok()) {
    answer = GrantAnswer::kEnded;
  } else if (!response->has_ack()) {
    open_ = false;
    answer = GrantAnswer::kLost;
  } else if (all_answered) {
    open_ = false;
  }
  Leave();
  co_return answer;
}

asio::awaitable<void> BatchGrant::Release() {
  co_await Enter();
  if (open_) {
    pb::DeliverRequest request;
    FillRef(*request.mutable_release()->mutable_batch());
    request.mutable_release()->set_grant_no(granted_.grant_no());
    // Refused: the grant is over by itself, which is as good.
    std::ignore = co_await state_.Ask(std::move(request));
    open_ = false;
  }
  Leave();
}

pb::DeliverRequest BatchGrant::Begin(Duration attempt) const {
  pb::DeliverRequest request;
  pb::Begin& begin = *request.mutable_begin();
  FillRef(*begin.mutable_batch());
  begin.set_operation(static_cast<uint32_t>(batch_.header().operation));
  begin.set_records(batch_.size());
  begin.set_keeps_identity(batch_.header().keeps_identity);
  begin.set_intents(std::string(batch_.packed_intents()));
  begin.set_length_ms(
      static_cast<uint32_t>(duration_cast<milliseconds>(attempt + margin_).count()));
  return request;
}

asio::awaitable<void> BatchGrant::Enter() {
  while (busy_) co_await free_.Wait();
  busy_ = true;
}

void BatchGrant::Leave() {
  busy_ = false;
  free_.Notify();
}

void BatchGrant::FillRef(pb::BatchRef& ref) const {
  const BatchId& id = batch_.header().id;
  ref.set_run_id(std::string(id.run.raw()));
  ref.set_read(id.read);
  ref.set_task_id(id.task);
  ref.set_number(id.number);
}

}  // namespace penstock::loader

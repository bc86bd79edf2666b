#include "services/loader/destinations/http/http_writer.h"

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/loader/destinations/http/http_auth.h"
#include "services/loader/domain/idempotency.h"

namespace penstock::loader {

namespace asio = boost::asio;

namespace {

Answer FromFailure(const HttpFailure& failure) {
  Answer answer;
  answer.verdict =
      failure.code == ErrorCode::kGRANT_REFUSED ? Verdict::kNotAllowed : Verdict::kFailed;
  answer.answered = failure.kind == HttpFailure::Kind::kNotSent;
  answer.code = failure.code;
  answer.message = BoundMessage(failure.message);
  return answer;
}

Answer TooLarge(size_t bytes, uint64_t limit) {
  Answer answer;
  answer.verdict = Verdict::kRefused;
  answer.answered = true;
  answer.code = ErrorCode::kRECORD_TOO_LARGE;
  answer.message =
      fmt::format("its request has {} bytes, and the destination takes {}", bytes, limit);
  answer.alone = Rejected(ErrorCode::kRECORD_TOO_LARGE, answer.message);
  return answer;
}

HttpAnswer View(const HttpResponse& response) {
  return {response.status, response.body,
          [&response](std::string_view name) { return response.Header(name); }};
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpWriter>> HttpWriter::Make(const HttpWriterSpec& spec,
                                                             HttpClient& client,
                                                             const Clock& clock) {
  std::unique_ptr<HttpWriter> out(new HttpWriter(client, clock));
  PENSTOCK_ASSIGN_OR_RETURN(out->base_, ParseBaseUrl(spec.base_url));
  PENSTOCK_ASSIGN_OR_RETURN(out->auth_, AuthHeader(spec.auth, spec.context.config));
  out->operation_ = spec.operation;
  out->max_bytes_ = spec.spec.batch.max_bytes;
  const uint32_t max_records = spec.spec.batch.max_records;
  PENSTOCK_ASSIGN_OR_RETURN(out->request_,
                            RequestRenderer::Compile(spec.spec.request, spec.context, max_records,
                                                     spec.spec.idempotency_header));
  PENSTOCK_ASSIGN_OR_RETURN(out->answers_,
                            AnswerReader::Make(spec.operation, spec.spec, out->request_->traced()));
  if (spec.spec.resolve) {
    PENSTOCK_ASSIGN_OR_RETURN(
        out->look_up_request_,
        RequestRenderer::Compile(spec.spec.resolve->request, spec.context, max_records, ""));
    PENSTOCK_ASSIGN_OR_RETURN(out->look_up_,
                              LookUpReader::Make(*spec.spec.resolve, spec.context, spec.normalise));
  }
  return out;
}

asio::awaitable<Answer> HttpWriter::Write(WriteRequest request) {
  RecordSet set{request.batch, request.records, request.keys, {}, {}};
  if (!look_up_) co_return co_await Send(request, set);

  Resolved resolved = co_await Resolve(request, set);
  if (resolved.failure) co_return std::move(*resolved.failure);
  Answer all = ForAll(request.records.size(),
                      NotFound(operation_, "the destination has no record of this identity"));
  std::vector<uint32_t> records;
  std::vector<std::string> keys, ids;
  std::vector<size_t> positions;
  for (size_t i = 0; i < request.records.size(); ++i) {
    if (!resolved.ids[i]) continue;
    records.push_back(request.records[i]);
    if (!request.keys.empty()) keys.push_back(request.keys[i]);
    ids.push_back(std::move(*resolved.ids[i]));
    positions.push_back(i);
  }
  if (records.empty()) co_return all;
  Answer found = co_await Send(request, RecordSet{request.batch, records, keys, ids, {}});
  if (found.verdict != Verdict::kRecords) co_return found;
  for (size_t i = 0; i < positions.size(); ++i) {
    all.records[positions[i]] = std::move(found.records[i]);
  }
  co_return all;
}

asio::awaitable<HttpWriter::Resolved> HttpWriter::Resolve(const WriteRequest& request,
                                                          const RecordSet& set) {
  Resolved out;
  const auto rendered = look_up_request_->Render(set);
  if (!rendered.ok()) {
    out.failure = ForAll(set.records.size(), Rejected(ErrorCode::kVALUE_NOT_REPRESENTABLE,
                                                      std::string(rendered.status().message())));
    co_return out;
  }
  HttpResult result = co_await Perform(request, *rendered);
  if (const auto* failure = std::get_if<HttpFailure>(&result)) {
    out.failure = FromFailure(*failure);
    out.failure->answered = true;  // a look-up changes nothing
    co_return out;
  }
  const auto& response = std::get<HttpResponse>(result);
  Answer answer = answers_->ReadLookUp(View(response), clock_.Wall());
  if (answer.verdict != Verdict::kRecords) {
    // A refused look-up of one record is no word on whether that record is there.
    if (answer.verdict == Verdict::kRefused) {
      answer.alone = Rejected(ErrorCode::kDESTINATION_REJECTED, answer.message);
    }
    out.failure = std::move(answer);
    co_return out;
  }
  auto ids = look_up_->Read(response.body, *set.batch, set.records);
  if (ids.ok()) {
    out.ids = std::move(*ids);
  } else {
    answer.verdict = Verdict::kFailed;
    answer.answered = true;
    answer.code = ErrorCode::kDESTINATION_BAD_ANSWER;
    answer.message = std::string(ids.status().message());
    out.failure = std::move(answer);
  }
  co_return out;
}

asio::awaitable<Answer> HttpWriter::Send(const WriteRequest& request, const RecordSet& records) {
  RecordSet set = records;
  const std::string key = set.keys.empty() ? std::string() : RequestIdempotencyKey(set.keys);
  set.request_key = key;
  const auto rendered = request_->Render(set);
  if (!rendered.ok()) {
    co_return ForAll(set.records.size(), Rejected(ErrorCode::kVALUE_NOT_REPRESENTABLE,
                                                  std::string(rendered.status().message())));
  }
  if (rendered->body.size() > max_bytes_) co_return TooLarge(rendered->body.size(), max_bytes_);
  HttpResult result = co_await Perform(request, *rendered);
  if (const auto* failure = std::get_if<HttpFailure>(&result)) co_return FromFailure(*failure);
  co_return answers_->Read(View(std::get<HttpResponse>(result)), set.records, clock_.Wall());
}

asio::awaitable<HttpResult> HttpWriter::Perform(const WriteRequest& request,
                                                const RenderedRequest& rendered) {
  HttpRequest http;
  http.method = rendered.method;
  http.origin = base_.origin;
  http.target = base_.path + rendered.target;
  http.headers = rendered.headers;
  if (!auth_.first.empty()) http.headers.push_back(auth_);
  if (!rendered.body.empty()) http.body = {rendered.body};
  http.deadline = request.deadline;
  http.may_write = request.may_write;
  co_return co_await client_.Send(std::move(http));
}

absl::StatusOr<std::vector<RenderedRequest>> HttpWriter::Render(
    const Batch& batch, std::span<const uint32_t> records) const {
  std::vector<RenderedRequest> out;
  RecordSet set{&batch, records, {}, {}, {}};
  std::vector<std::string> ids;
  if (look_up_request_) {
    PENSTOCK_ASSIGN_OR_RETURN(RenderedRequest look_up, look_up_request_->Render(set));
    look_up.target.insert(0, base_.path);
    out.push_back(std::move(look_up));
    ids.assign(records.size(), "\"<id looked up>\"");
    set.resolved = ids;
  }
  PENSTOCK_ASSIGN_OR_RETURN(RenderedRequest request, request_->Render(set));
  request.target.insert(0, base_.path);
  out.push_back(std::move(request));
  return out;
}

asio::awaitable<absl::Status> TestHttpDestination(HttpClient& client, std::string base_url,
                                                  Config auth, Config config, BootTime deadline) {
  PENSTOCK_CO_ASSIGN_OR_RETURN(const BaseUrl base, ParseBaseUrl(base_url));
  PENSTOCK_CO_ASSIGN_OR_RETURN(const auto header, AuthHeader(auth, config));
  HttpRequest request;
  request.method = "GET";
  request.origin = base.origin;
  request.target = base.path + "/";
  if (!header.first.empty()) request.headers.push_back(header);
  request.deadline = deadline;
  const HttpResult result = co_await client.Send(std::move(request));
  if (const auto* failure = std::get_if<HttpFailure>(&result)) {
    co_return Error(failure->code, failure->message);
  }
  const int status = std::get<HttpResponse>(result).status;
  if (status == 401 || status == 403) {
    co_return Error(
        status == 401 ? ErrorCode::kDESTINATION_UNAUTHENTICATED : ErrorCode::kDESTINATION_FORBIDDEN,
        fmt::format("{} refuses the credentials (HTTP status {}); check the Destination's "
                    "auth and the rights of its user",
                    base.origin.ToString(), status));
  }
  if (status >= 500) {
    co_return Error(
        ErrorCode::kDESTINATION_UNAVAILABLE,
        fmt::format("{} answers with HTTP status {}: the destination's operators must act",
                    base.origin.ToString(), status));
  }
  co_return absl::OkStatus();
}

}  // namespace penstock::loader

#include "services/loader/destinations/http/http_writer.h"

#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/common/net/gzip.h"
#include "services/loader/domain/idempotency.h"
#include "services/loader/domain/identity_text.h"

namespace penstock::loader {

namespace asio = boost::asio;

namespace {

constexpr int kUnauthorized = 401;
// A smaller body fits into one packet as it is.
constexpr size_t kCompressFrom = 1024;

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
                                                             HttpClient& client, HttpAuth& auth,
                                                             const Clock& clock) {
  std::unique_ptr<HttpWriter> out(new HttpWriter(client, auth, clock));
  PENSTOCK_ASSIGN_OR_RETURN(out->base_, ParseBaseUrl(spec.base_url));
  out->operation_ = spec.operation;
  out->max_bytes_ = spec.spec.batch.max_bytes;
  out->compression_ = spec.spec.request.compression;
  out->normalise_ = spec.normalise;
  const uint32_t max_records = spec.spec.batch.max_records;
  PENSTOCK_ASSIGN_OR_RETURN(out->request_,
                            RequestRenderer::Compile(spec.spec.request, spec.context, max_records,
                                                     spec.spec.idempotency_header));
  PENSTOCK_ASSIGN_OR_RETURN(
      out->answers_,
      AnswerReader::Make(spec.operation, spec.spec, out->request_->traced(), spec.normalise));
  if (out->answers_->by_identity()) {
    if (spec.context.identity_fields.size() != 1) {
      return Error(ErrorCode::kINVALID_RESOURCE,
                   "result.by: identity needs an identity of one field");
    }
    out->identity_ = spec.context.identity_fields[0];
  }
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
  Answer answer = co_await WriteUnmasked(request);
  auth_.Mask(answer.message);
  auth_.Mask(answer.alone.message);
  for (RecordResult& record : answer.records) auth_.Mask(record.message);
  co_return answer;
}

asio::awaitable<Answer> HttpWriter::WriteUnmasked(const WriteRequest& request) {
  RecordSet set{request.batch, request.records, request.keys, {}, {}};
  if (!look_up_) co_return co_await Send(request, set);

  Resolved resolved = co_await Resolve(request, set);
  if (resolved.failure) co_return std::move(*resolved.failure);
  Answer all = ForAll(
      request.records.size(),
      Settled(operation_, Reply::kNotFound, "the destination has no record of this identity"));
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
  auto result = co_await Perform(request, *rendered, "");
  if (auto* failure = std::get_if<Answer>(&result)) {
    out.failure = std::move(*failure);
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
  auto result = co_await Perform(request, *rendered, key);
  const std::vector<std::string> identities = Identities(set);
  auto* failure = std::get_if<Answer>(&result);
  Answer answer = failure != nullptr ? std::move(*failure)
                                     : answers_->Read(View(std::get<HttpResponse>(result)),
                                                      set.records, clock_.Wall(), identities);
  answer.sent_bytes = rendered->body.size();
  co_return answer;
}

std::vector<std::string> HttpWriter::Identities(const RecordSet& set) const {
  std::vector<std::string> out;
  if (!answers_->by_identity()) return out;
  out.reserve(set.records.size());
  for (const uint32_t record : set.records) {
    out.push_back(IdentityText(*set.batch, record, identity_, normalise_));
  }
  return out;
}

asio::awaitable<std::variant<HttpResponse, Answer>> HttpWriter::Perform(
    const WriteRequest& request, const RenderedRequest& rendered, std::string_view key) {
  HttpRequest http;
  http.method = rendered.method;
  http.origin = base_.origin;
  http.target = base_.path + rendered.target;
  http.headers = rendered.headers;
  std::string compressed;
  if (compression_ == Compression::kGzip && rendered.body.size() >= kCompressFrom) {
    compressed = Gzip(rendered.body);
    http.headers.emplace_back("Content-Encoding", "gzip");
    http.body = {compressed};
  } else if (!rendered.body.empty()) {
    http.body = {rendered.body};
  }
  http.deadline = request.deadline;
  http.may_write = request.may_write;
  std::optional<Answer> without_proof = co_await auth_.Prove(http, key);
  if (without_proof) co_return std::move(*without_proof);
  HttpResult result = co_await client_.Send(http);
  if (const auto* failure = std::get_if<HttpFailure>(&result)) co_return FromFailure(*failure);
  auto& response = std::get<HttpResponse>(result);
  if (response.status == kUnauthorized) auth_.Refused(http);
  // Before a message is cut, which might leave half a secret.
  if (response.status >= 300) auth_.Mask(response.body);
  co_return std::move(response);
}

absl::StatusOr<std::vector<RenderedRequest>> HttpWriter::Render(
    const Batch& batch, std::span<const uint32_t> records) const {
  std::vector<RenderedRequest> out;
  RecordSet set{&batch, records, {}, {}, {}};
  std::vector<std::string> ids;
  if (look_up_request_) {
    PENSTOCK_ASSIGN_OR_RETURN(RenderedRequest look_up, look_up_request_->Render(set));
    look_up.target = auth_.ShownTarget(base_.path + look_up.target);
    out.push_back(std::move(look_up));
    ids.assign(records.size(), "\"<id looked up>\"");
    set.resolved = ids;
  }
  PENSTOCK_ASSIGN_OR_RETURN(RenderedRequest request, request_->Render(set));
  request.target = auth_.ShownTarget(base_.path + request.target);
  out.push_back(std::move(request));
  return out;
}

}  // namespace penstock::loader

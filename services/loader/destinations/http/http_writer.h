#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/net/http_client.h"
#include "services/loader/destinations/destination_writer.h"
#include "services/loader/destinations/http/http_auth.h"
#include "services/loader/destinations/http/look_up.h"
#include "services/loader/domain/answer_reader.h"

namespace penstock::loader {

// All that an operation of a manifest needs to be sent.
struct HttpWriterSpec {
  std::string base_url;  // the Destination's config.base_url, else the connector's
  Operation operation = Operation::kUpsert;
  OperationSpec spec;
  Normalisation normalise = Normalisation::kNone;  // of the identity, for an identity of one field
  TemplateContext context;                         // with references resolved
};

// An operation of a manifest over HTTP.
class HttpWriter final : public DestinationWriter {
 public:
  // INVALID_RESOURCE or INVALID_CONFIGURATION listing what is wrong. `client`, `auth` and `clock`
  // outlive the writer.
  static absl::StatusOr<std::unique_ptr<HttpWriter>> Make(const HttpWriterSpec& spec,
                                                          HttpClient& client, HttpAuth& auth,
                                                          const Clock& clock);

  boost::asio::awaitable<Answer> Write(WriteRequest request) override;
  absl::StatusOr<std::vector<RenderedRequest>> Render(
      const Batch& batch, std::span<const uint32_t> records) const override;

 private:
  HttpWriter(HttpClient& client, HttpAuth& auth, const Clock& clock)
      : client_(client), auth_(auth), clock_(clock) {}
  // The records that the destination knows, with their ids; or why the look-up failed.
  struct Resolved {
    std::optional<Answer> failure;
    std::vector<std::optional<std::string>> ids;  // per record
  };
  boost::asio::awaitable<Resolved> Resolve(const WriteRequest& request, const RecordSet& set);
  boost::asio::awaitable<Answer> Send(const WriteRequest& request, const RecordSet& set);
  // The destination's answer, or the one that an attempt has without any.
  boost::asio::awaitable<std::variant<HttpResponse, Answer>> Perform(
      const WriteRequest& request, const RenderedRequest& rendered, std::string_view key);
  boost::asio::awaitable<Answer> WriteUnmasked(const WriteRequest& request);
  std::vector<std::string> Identities(const RecordSet& set) const;

  HttpClient& client_;
  HttpAuth& auth_;
  const Clock& clock_;
  BaseUrl base_;
  Operation operation_ = Operation::kUpsert;
  uint64_t max_bytes_ = 0;
  Compression compression_ = Compression::kNone;
  uint16_t identity_ = 0;  // where results name records by it
  Normalisation normalise_ = Normalisation::kNone;
  std::optional<RequestRenderer> request_, look_up_request_;
  std::optional<AnswerReader> answers_;
  std::optional<LookUpReader> look_up_;
};

}  // namespace penstock::loader

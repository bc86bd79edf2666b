#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "services/common/net/http_client.h"
#include "services/loader/destinations/destination_writer.h"
#include "services/loader/destinations/http/look_up.h"
#include "services/loader/domain/answer_reader.h"

namespace penstock::loader {

// All that an operation of a manifest needs to be sent.
struct HttpWriterSpec {
  std::string base_url;  // the Destination's config.base_url, else the connector's
  Config auth;           // the Destination's, else the connector's
  Operation operation = Operation::kUpsert;
  OperationSpec spec;
  Normalisation normalise = Normalisation::kNone;  // of the identity, for an identity of one field
  TemplateContext context;                         // with references resolved
};

// An operation of a manifest over HTTP.
class HttpWriter final : public DestinationWriter {
 public:
  // INVALID_RESOURCE or INVALID_CONFIGURATION listing what is wrong. `client` and `clock` outlive
  // the writer.
  static absl::StatusOr<std::unique_ptr<HttpWriter>> Make(const HttpWriterSpec& spec,
                                                          HttpClient& client, const Clock& clock);

  boost::asio::awaitable<Answer> Write(WriteRequest request) override;
  absl::StatusOr<std::vector<RenderedRequest>> Render(
      const Batch& batch, std::span<const uint32_t> records) const override;

 private:
  HttpWriter(HttpClient& client, const Clock& clock) : client_(client), clock_(clock) {}
  // The records that the destination knows, with their ids; or why the look-up failed.
  struct Resolved {
    std::optional<Answer> failure;
    std::vector<std::optional<std::string>> ids;  // per record
  };
  boost::asio::awaitable<Resolved> Resolve(const WriteRequest& request, const RecordSet& set);
  boost::asio::awaitable<Answer> Send(const WriteRequest& request, const RecordSet& set);
  boost::asio::awaitable<HttpResult> Perform(const WriteRequest& request,
                                             const RenderedRequest& rendered);

  HttpClient& client_;
  const Clock& clock_;
  BaseUrl base_;
  std::pair<std::string, std::string> auth_;
  Operation operation_ = Operation::kUpsert;
  uint64_t max_bytes_ = 0;
  std::optional<RequestRenderer> request_, look_up_request_;
  std::optional<AnswerReader> answers_;
  std::optional<LookUpReader> look_up_;
};

// Whether the destination is there and takes the credentials: one GET of base_url. The error says
// what is wrong and who must act.
boost::asio::awaitable<absl::Status> TestHttpDestination(HttpClient& client, std::string base_url,
                                                         Config auth, Config config,
                                                         BootTime deadline);

}  // namespace penstock::loader

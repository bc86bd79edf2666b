#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"
#include "services/loader/domain/request_body.h"
#include "services/loader/domain/text_template.h"

namespace penstock::loader {

// A request as it will be sent, but for the base URL before its target and the authentication.
struct RenderedRequest {
  std::string method;
  std::string target;  // path and query, encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// A RequestTemplate, compiled for one field table. Immutable, thread-safe.
class RequestRenderer {
 public:
  // INVALID_RESOURCE listing all problems. `max_records`: of a request; $record outside of $each
  // needs 1. `idempotency_header`: empty for none.
  static absl::StatusOr<RequestRenderer> Compile(const RequestTemplate& request,
                                                 const TemplateContext& context,
                                                 uint32_t max_records,
                                                 const std::string& idempotency_header);

  // VALUE_NOT_REPRESENTABLE when the record's values don't fit path, query, headers or a form.
  absl::StatusOr<RenderedRequest> Render(const RecordSet& set) const;

  // Results may name records by their index in the batch.
  bool traced() const { return body_ && body_->uses_index(); }

 private:
  std::string method_;
  std::optional<TextTemplate> path_;
  std::vector<std::pair<std::string, TextTemplate>> query_, headers_;
  std::optional<RequestBody> body_;
  std::string idempotency_header_;
  std::string content_type_;  // empty: the request has one of its own, or no body
};

}  // namespace penstock::loader

#include "services/loader/domain/request_renderer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/core/percent_encode.h"
#include "services/common/core/status.h"

namespace penstock::loader {

absl::StatusOr<RequestRenderer> RequestRenderer::Compile(const RequestTemplate& request,
                                                         const TemplateContext& context,
                                                         uint32_t max_records,
                                                         const std::string& idempotency_header) {
  RequestRenderer out;
  std::vector<std::string> problems;
  bool single = false;
  const auto text = [&](std::string_view value, TextTemplate::Use use, const std::string& place) {
    auto compiled = TextTemplate::Compile(value, use, place, context, problems);
    if (compiled && compiled->single_record()) single = true;
    return compiled;
  };
  out.method_ = request.method;
  static constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  if (std::find(std::begin(kMethods), std::end(kMethods), request.method) == std::end(kMethods)) {
    problems.push_back(
        fmt::format("method: {} is none of {}", request.method, fmt::join(kMethods, ", ")));
  }
  if (!request.path.starts_with('/')) problems.push_back("path: must begin with /");
  out.path_ = text(request.path, TextTemplate::Use::kPath, "path");
  for (const auto& [name, value] : request.query) {
    auto compiled = text(value, TextTemplate::Use::kQuery, "query " + name);
    if (compiled) out.query_.emplace_back(PercentEncode(name), std::move(*compiled));
  }
  bool own_content_type = false;
  for (const auto& [name, value] : request.headers) {
    auto compiled = text(value, TextTemplate::Use::kHeader, "header " + name);
    if (absl::AsciiStrToLower(name) == "content-type") own_content_type = true;
    if (compiled) out.headers_.emplace_back(name, std::move(*compiled));
  }
  if (!request.body.empty()) {
    out.body_ = RequestBody::Compile(request, context, problems);
    if (out.body_ && out.body_->single_record()) single = true;
    if (out.body_ && !own_content_type) out.content_type_ = out.body_->content_type();
  }
  out.idempotency_header_ = idempotency_header;
  if (single && max_records != 1) {
    problems.push_back("$record outside of {$each: record, $do: …} needs batch: {max_records: 1}");
  }
  if (!problems.empty()) {
    return Error(ErrorCode::kINVALID_RESOURCE,
                 fmt::format("request: {}", fmt::join(problems, "; ")));
  }
  return out;
}

absl::StatusOr<RenderedRequest> RequestRenderer::Render(const RecordSet& set) const {
  RenderedRequest out;
  out.method = method_;
  PENSTOCK_ASSIGN_OR_RETURN(out.target, path_->Render(set));
  char separator = '?';
  for (const auto& [name, value] : query_) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string text, value.Render(set));
    out.target.append(1, separator).append(name).append("=").append(text);
    separator = '&';
  }
  if (!content_type_.empty()) out.headers.emplace_back("Content-Type", content_type_);
  for (const auto& [name, value] : headers_) {
    PENSTOCK_ASSIGN_OR_RETURN(std::string text, value.Render(set));
    out.headers.emplace_back(name, std::move(text));
  }
  if (!idempotency_header_.empty() && !set.request_key.empty()) {
    out.headers.emplace_back(idempotency_header_, set.request_key);
  }
  if (body_) PENSTOCK_RETURN_IF_ERROR(body_->Render(set, out.body));
  return out;
}

}  // namespace penstock::loader

#include "services/loader/destinations/http/http_auth.h"

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "services/common/core/status.h"
#include "services/loader/domain/text_template.h"

namespace penstock::loader {
namespace {

absl::StatusOr<std::string> Value(const Config& auth, const Config& config,
                                  const std::string& name) {
  const auto found = auth.find(name);
  if (found == auth.end() || found->second.empty()) {
    return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("auth.{} is missing", name));
  }
  TemplateContext context;
  context.config = config;
  std::vector<std::string> problems;
  const auto text = TextTemplate::Compile(found->second, TextTemplate::Use::kHeader, "auth." + name,
                                          context, problems);
  if (!text) return Error(ErrorCode::kINVALID_CONFIGURATION, problems.front());
  return text->Render({});
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> AuthHeader(const Config& auth,
                                                               const Config& config) {
  const auto found = auth.find("type");
  const std::string type = found == auth.end() ? "none" : found->second;
  if (type == "none") return std::pair<std::string, std::string>();
  if (type == "bearer") {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string token, Value(auth, config, "token"));
    return std::pair<std::string, std::string>("Authorization", "Bearer " + token);
  }
  if (type == "basic") {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string user, Value(auth, config, "user"));
    PENSTOCK_ASSIGN_OR_RETURN(const std::string password, Value(auth, config, "password"));
    return std::pair<std::string, std::string>(
        "Authorization", "Basic " + absl::Base64Escape(user + ":" + password));
  }
  if (type == "header") {
    PENSTOCK_ASSIGN_OR_RETURN(std::string name, Value(auth, config, "header"));
    PENSTOCK_ASSIGN_OR_RETURN(std::string token, Value(auth, config, "token"));
    return std::pair<std::string, std::string>(std::move(name), std::move(token));
  }
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("auth.type {} is none of none, bearer, basic, header", type));
}

}  // namespace penstock::loader

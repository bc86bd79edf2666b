#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"

namespace penstock {

// Where references to secrets are looked up. "${secret:NAME}" is the content of the file NAME in
// `directory` (one mounted Secret; a last newline is cut), read anew each time, so that a rotation
// needs no restart. "${env:NAME}" is an environment variable whose name starts with
// PENSTOCK_SECRET_: were any name allowed, whoever may write a Sync could send the service's own
// passwords to a webhook.
class Secrets {
 public:
  explicit Secrets(std::string directory) : directory_(std::move(directory)) {}

  // The configuration with its references replaced. SECRET_NOT_FOUND names field and reference,
  // never a value.
  absl::StatusOr<Config> Resolve(const Config& config) const;

  // The same for one text; SECRET_NOT_FOUND names the reference.
  absl::StatusOr<std::string> Resolve(const std::string& text) const;

 private:
  absl::StatusOr<std::string> Fetch(const std::string& reference) const;

  std::string directory_;
};

}  // namespace penstock

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"
#include "services/loader/domain/template_context.h"

namespace penstock::loader {

// Reads the answer to an operation's look-up: which id the destination has for each record.
// Immutable, thread-safe.
class LookUpReader {
 public:
  // REQUIRES an identity of one field (INVALID_RESOURCE otherwise, or when a pointer is none).
  static absl::StatusOr<LookUpReader> Make(const ResolveSpec& spec, const TemplateContext& context,
                                           Normalisation normalise);

  // Per record the id as JSON text; nullopt: not found. DESTINATION_BAD_ANSWER when the body is not
  // what the manifest says, so that nothing counts as not found by mistake.
  absl::StatusOr<std::vector<std::optional<std::string>>> Read(
      std::string_view body, const Batch& batch, std::span<const uint32_t> records) const;

 private:
  std::string records_, match_, id_;
  uint16_t identity_ = 0;
  Normalisation normalise_ = Normalisation::kNone;
};

}  // namespace penstock::loader

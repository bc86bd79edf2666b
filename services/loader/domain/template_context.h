#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/model/batch.h"
#include "services/common/model/resources.h"

namespace penstock::loader {

// What a manifest's template is compiled against: all that is the same for every record of a batch.
struct TemplateContext {
  std::string object;
  std::vector<BatchField> fields;
  std::vector<uint16_t> identity_fields;  // indexes into fields
  std::map<std::string, std::string> options;
  Config config;  // references resolved (for samples shown to people: masked)

  std::string IdentityName(size_t i) const { return FieldName(fields[identity_fields[i]].path); }
};

// The records of one request. Views: whoever renders keeps what they point to.
struct RecordSet {
  const Batch* batch = nullptr;
  std::span<const uint32_t> records;  // indexes in the batch
  std::span<const std::string> keys;  // idempotency keys, one per record, or empty
  std::span<const std::string>
      resolved;                  // JSON texts of the ids looked up, one per record, or empty
  std::string_view request_key;  // the request's idempotency key
};

}  // namespace penstock::loader

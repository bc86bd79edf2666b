#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "examples/crm/contact_store.h"

namespace penstock::crm {

// One of a batch call's inputs.
struct Input {
  std::string id;
  std::string id_property;  // "" means the record id
  std::string trace_id;     // objectWriteTraceId, "" when not given
  Properties properties;
};

struct Inputs {
  std::vector<Input> inputs;
  std::vector<std::string> wanted;  // of a read: the properties to return
};

// Why the whole call is refused.
struct Refusal {
  int status = 400;
  std::string category = "VALIDATION_ERROR";
  std::string message;
};

enum class BatchCall { kUpsert, kRead, kArchive };

// Reads a batch call's body and refuses what HubSpot refuses as a whole: no JSON, more than 100
// inputs, one id twice, a property whose value is no string or whose name can't exist, an
// idProperty that isn't unique.
std::variant<Inputs, Refusal> ReadInputs(BatchCall call, std::string_view body);

}  // namespace penstock::crm

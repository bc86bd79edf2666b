#include "examples/crm/batch_input.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace penstock::crm {
namespace {

namespace json = boost::json;

constexpr size_t kMaxInputs = 100;

std::string Text(const json::value* value) {
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

bool IsPropertyName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Nothing when the properties are right.
std::string ReadProperties(const json::value* value, Properties& out) {
  const json::object* object = value == nullptr ? nullptr : value->if_object();
  if (object == nullptr) return "Some required fields were not set: [properties]";
  for (const auto& [name, property] : *object) {
    if (!IsPropertyName(name))
      return fmt::format("Property \"{}\" does not exist", std::string_view(name));
    if (!property.is_string()) {
      return fmt::format(
          "Invalid input JSON: Cannot deserialize value of type `java.lang.String` from {} for "
          "property \"{}\"",
          json::to_string(property.kind()), std::string_view(name));
    }
    out.emplace(name, Text(&property));
  }
  return {};
}

std::string DuplicateIds(const std::vector<Input>& inputs) {
  std::set<std::string> seen, twice;
  for (const Input& input : inputs) {
    std::string id = input.id_property == "email" ? NormalEmail(input.id) : input.id;
    if (!seen.insert(id).second) twice.insert(std::move(id));
  }
  if (twice.empty()) return {};
  return fmt::format("Duplicate IDs found in batch input: [{}]. IDs must be unique",
                     fmt::join(twice, ", "));
}

}  // namespace

std::variant<Inputs, Refusal> ReadInputs(BatchCall call, std::string_view body) {
  json::error_code error;
  const json::value parsed = json::parse({body.data(), body.size()}, error);
  if (error) return Refusal{.message = "Invalid input JSON: " + error.message()};
  const json::object* root = parsed.if_object();
  const json::value* list = root == nullptr ? nullptr : root->if_contains("inputs");
  if (list == nullptr || !list->is_array())
    return Refusal{.message = "Some required fields were not set: [inputs]"};
  if (list->get_array().size() > kMaxInputs) {
    return Refusal{.message = fmt::format("Request contained {} inputs, the limit is {}",
                                          list->get_array().size(), kMaxInputs)};
  }
  Inputs out;
  // A read names its idProperty once, an upsert in every input.
  std::string common_id_property = Text(root->if_contains("idProperty"));
  if (const json::value* wanted = root->if_contains("properties"); wanted && wanted->is_array()) {
    for (const json::value& name : wanted->get_array()) out.wanted.push_back(Text(&name));
  }
  for (const json::value& element : list->get_array()) {
    const json::object* object = element.if_object();
    if (object == nullptr) return Refusal{.message = "Invalid input JSON: an input is no object"};
    Input& input = out.inputs.emplace_back();
    input.id = Text(object->if_contains("id"));
    input.id_property =
        call == BatchCall::kRead ? common_id_property : Text(object->if_contains("idProperty"));
    input.trace_id = Text(object->if_contains("objectWriteTraceId"));
    if (input.id.empty()) return Refusal{.message = "Some required fields were not set: [id]"};
    if (!input.id_property.empty() && input.id_property != "email") {
      return Refusal{.message =
                         fmt::format("{} is not a unique property of CONTACT", input.id_property)};
    }
    if (call != BatchCall::kUpsert) continue;
    std::string wrong = ReadProperties(object->if_contains("properties"), input.properties);
    if (!wrong.empty()) return Refusal{.message = std::move(wrong)};
  }
  if (std::string twice = DuplicateIds(out.inputs); !twice.empty())
    return Refusal{.message = std::move(twice)};
  return out;
}

}  // namespace penstock::crm

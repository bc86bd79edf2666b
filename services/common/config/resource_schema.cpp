#include "services/common/config/resource_schema.h"

#include "services/common/config/resource_kinds.h"

namespace penstock {
namespace {

// What `spec` is where `kind` is the name of T.
template <typename T>
boost::json::object SpecOf() {
  const std::string_view kind = KindName(T{});
  return {{"if", {{"properties", {{"kind", {{"const", kind}}}}}}},
          {"then", {{"properties", {{"spec", FormOf<T>::Schema()}}}}}};
}

boost::json::object Described(boost::json::object schema, std::string_view description) {
  schema["description"] = description;
  return schema;
}

}  // namespace

boost::json::object ResourceSchema() {
  const boost::json::array kinds = {"Source", "Model", "Destination", "Connector", "Sync"};
  return {{"$schema", "http://json-schema.org/draft-07/schema#"},
          {"title", "Penstock resource"},
          {"type", "object"},
          {"additionalProperties", false},
          {"required", {"apiVersion", "kind", "metadata", "spec"}},
          {"properties",
           {{"apiVersion", {{"const", kApiVersion}}},
            {"kind", Described({{"enum", kinds}}, "What is declared")},
            {"metadata", Described(FormOf<Metadata>::Schema(), "What it is called")},
            {"spec", Described({{"type", "object"}}, "What it is")}}},
          {"allOf",
           {SpecOf<Source>(), SpecOf<Model>(), SpecOf<Destination>(), SpecOf<Connector>(),
            SpecOf<Sync>()}},
          {"definitions", {{"config", ConfigForm::Schema()}}}};
}

}  // namespace penstock

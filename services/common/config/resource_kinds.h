#pragma once

#include <string_view>

#include "services/common/config/resource_forms.h"
#include "services/common/model/resources.h"

// The form of each kind of resource's `spec`, and of what several kinds have.
namespace penstock {

inline constexpr std::string_view kApiVersion = "penstock.dev/v1";

#define PENSTOCK_FORM_OF(T)                                                    \
  template <>                                                                  \
  struct FormOf<T> {                                                           \
    static void Read(const YamlValue& value, const FieldScope& scope, T& out); \
    static JsonSchema Schema();                                                \
  }
PENSTOCK_FORM_OF(Metadata);
PENSTOCK_FORM_OF(Source);
PENSTOCK_FORM_OF(Model);
PENSTOCK_FORM_OF(Destination);
PENSTOCK_FORM_OF(Connector);
PENSTOCK_FORM_OF(Sync);
PENSTOCK_FORM_OF(Quota);
PENSTOCK_FORM_OF(ObjectSpec);
#undef PENSTOCK_FORM_OF

// Destination field -> where its value comes from, in the order of the file.
struct MappingForm {
  static void Read(const YamlValue& value, const FieldScope& scope, std::vector<FieldMapping>& out);
  static JsonSchema Schema();
};

// Only connections may name secrets: anywhere else one would be sent or shown as it stands.
void RefuseSecretsIn(std::string_view text, const FieldScope& scope);

}  // namespace penstock

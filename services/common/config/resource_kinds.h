#pragma once

#include <map>
#include <string>
#include <string_view>

#include "services/common/config/resource_fields.h"
#include "services/common/model/resources.h"

// One reader per kind of resource: fills what its table of fields knows of `spec`.
namespace penstock {

void ReadMetadata(const YamlValue& value, const FieldScope& scope, Metadata& out);
void ReadSpec(const YamlValue& spec, const FieldScope& scope, Source& out);
void ReadSpec(const YamlValue& spec, const FieldScope& scope, Model& out);
void ReadSpec(const YamlValue& spec, const FieldScope& scope, Destination& out);
void ReadSpec(const YamlValue& spec, const FieldScope& scope, Connector& out);
void ReadSpec(const YamlValue& spec, const FieldScope& scope, Sync& out);

// Parts that several of them have.
void Read(const YamlValue& value, const FieldScope& scope, Quota& out);
void Read(const YamlValue& value, const FieldScope& scope, ObjectSpec& out);
void ReadMapping(const YamlValue& value, const FieldScope& scope, std::vector<FieldMapping>& out);

// Only connections may name secrets: anywhere else one would be sent or shown as it stands.
void RefuseSecretsIn(std::string_view text, const FieldScope& scope);

}  // namespace penstock

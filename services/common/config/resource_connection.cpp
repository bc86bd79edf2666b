#include <span>

#include "services/common/config/resource_kinds.h"
#include "services/common/config/resource_values.h"

// Metadata, Source and Destination.
namespace penstock {
namespace {

constexpr Field<Metadata> kMetadata[] = {
    {"name", Into<&Metadata::name>},
    {"labels", Into<&Metadata::labels>},
    {"description", Into<&Metadata::description>},
    {"renamed_from", Into<&Metadata::renamed_from>},
};

constexpr Field<Source> kSource[] = {
    {"connector", Into<&Source::connector>},
    {"config", IntoBy<&Source::config, ReadFlat>},
    {"schema", Into<&Source::schema>},
    {"timezone", Into<&Source::timezone>},
};

constexpr Field<Quota> kQuota[] = {
    {"requests", Into<&Quota::requests>},
    {"per", Into<&Quota::per>},
    {"share", IntoBy<&Quota::share, ReadFraction>},
    {"concurrency", Into<&Quota::concurrency>},
};

constexpr Field<Destination> kDestination[] = {
    {"connector", Into<&Destination::connector>},       {"account", Into<&Destination::account>},
    {"config", IntoBy<&Destination::config, ReadFlat>}, {"quotas", Into<&Destination::quotas>},
    {"objects", Into<&Destination::objects>},
};

}  // namespace

void ReadMetadata(const YamlValue& value, const FieldScope& scope, Metadata& out) {
  ReadFields<Metadata>(value, scope, kMetadata, out);
}

void ReadSpec(const YamlValue& spec, const FieldScope& scope, Source& out) {
  ReadFields<Source>(spec, scope, kSource, out);
}

void Read(const YamlValue& value, const FieldScope& scope, Quota& out) {
  ReadFields<Quota>(value, scope, kQuota, out);
}

void ReadSpec(const YamlValue& spec, const FieldScope& scope, Destination& out) {
  ReadFields<Destination>(spec, scope, kDestination, out);
}

}  // namespace penstock

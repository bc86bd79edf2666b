#include "services/common/config/resource_kinds.h"

// Metadata, Source and Destination.
namespace penstock {
namespace {

constexpr Field<Metadata> kMetadata[] = {
    {"name", Into<&Metadata::name, NameForm>,
     "Unique per kind: lower-case letters, digits and dashes, at most 63", true},
    {"labels", Into<&Metadata::labels>, "Texts to select by, under Kubernetes' rules for labels"},
    {"description", Into<&Metadata::description>, "A sentence for people"},
    {"renamed_from", Into<&Metadata::renamed_from, NameForm>,
     "The former name: delivered rows, runs and history move from it"},
};

constexpr Field<Source> kSource[] = {
    {"connector", Into<&Source::connector>, "The kind of warehouse: postgres", true},
    {"config", Into<&Source::config, ConfigForm>,
     "The connection: host, port, database, user, password, tls, tls_ca, connect_timeout, "
     "statement_timeout; secrets as ${secret:NAME}"},
    {"schema", Into<&Source::schema>, "Where tables without a schema are"},
    {"timezone", Into<&Source::timezone>,
     "IANA zone by which timestamps without one are read; default: UTC"},
};

constexpr Field<Quota> kQuota[] = {
    {"requests", Into<&Quota::requests>, "At most so many in any window of `per`"},
    {"per", Into<&Quota::per>, "The window's length"},
    {"share", Into<&Quota::share, FractionForm>,
     "The part of the limit that is ours; the rest is left to others; default: all"},
    {"concurrency", Into<&Quota::concurrency>, "At most so many on their way at once"},
};

constexpr Field<Destination> kDestination[] = {
    {"connector", Into<&Destination::connector, NameForm>,
     "What the destination can do: hubspot, http, postgres, or a Connector of your own", true},
    {"account", Into<&Destination::account, NameForm>,
     "Destinations of one account share its limits; default: the Destination's name"},
    {"config", Into<&Destination::config, ConfigForm>,
     "What the connector needs (penstock connectors NAME); secrets as ${secret:NAME}"},
    {"quotas", Into<&Destination::quotas>, "Limits in place of the connector's of that name"},
    {"objects", Into<&Destination::objects>, "Of connector http: what it holds, by name"},
};

}  // namespace

void FormOf<Metadata>::Read(const YamlValue& value, const FieldScope& scope, Metadata& out) {
  ReadFields<Metadata>(value, scope, kMetadata, out);
}
JsonSchema FormOf<Metadata>::Schema() {
  return FieldsSchema<Metadata>(kMetadata);
}

void FormOf<Source>::Read(const YamlValue& spec, const FieldScope& scope, Source& out) {
  ReadFields<Source>(spec, scope, kSource, out);
}
JsonSchema FormOf<Source>::Schema() {
  return FieldsSchema<Source>(kSource);
}

void FormOf<Quota>::Read(const YamlValue& value, const FieldScope& scope, Quota& out) {
  ReadFields<Quota>(value, scope, kQuota, out);
}
JsonSchema FormOf<Quota>::Schema() {
  return FieldsSchema<Quota>(kQuota);
}

void FormOf<Destination>::Read(const YamlValue& spec, const FieldScope& scope, Destination& out) {
  ReadFields<Destination>(spec, scope, kDestination, out);
}
JsonSchema FormOf<Destination>::Schema() {
  return FieldsSchema<Destination>(kDestination);
}

}  // namespace penstock

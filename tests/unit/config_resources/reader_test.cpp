#include <gmock/gmock.h>

#include "tests/unit/config_resources/messages.h"

namespace penstock {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ResourceReader, ReadsASource) {
  const auto source = ReadOne<Source>(R"(
apiVersion: penstock.dev/v1
kind: Source
metadata: {name: warehouse, labels: {team: data}, description: Ours, renamed_from: old}
spec:
  connector: postgres
  config: {host: wh.internal, port: 5433, password: "${secret:wh}", deep: {er: true}}
  schema: marts
  timezone: Europe/Berlin
)");
  EXPECT_EQ(source.meta, (Metadata{"warehouse", {{"team", "data"}}, "Ours", "old"}));
  EXPECT_EQ(source.config, (Config{{"host", "wh.internal"},
                                   {"port", "5433"},
                                   {"password", "${secret:wh}"},
                                   {"deep.er", "true"}}));
  EXPECT_EQ(source.schema, "marts");
  EXPECT_EQ(source.timezone, "Europe/Berlin");
}

TEST(ResourceReader, ReadsEveryFormOfAMapping) {
  const auto sync = ReadOne<Sync>(R"(
apiVersion: penstock.dev/v1
kind: Sync
metadata: {name: s}
spec:
  mapping:
    email: {from: email, transform: [trim, {e164: {region: DE}}]}
    first: first_name
    properties.plan: {from: attrs.plan, default: free, on_null: omit}
    ["a.b", c]: ["x.y", z]
    big: {value: 12345678901234567890, cast: string}
    nested: {value: {a: [1, no]}}
    nothing: {value: null}
)");
  ASSERT_EQ(sync.mapping.size(), 7u);
  EXPECT_EQ(sync.mapping[0].transforms,
            (std::vector<Transform>{{"trim", {}}, {"e164", R"({"region":"DE"})"}}));
  EXPECT_EQ(std::get<FieldMapping::Column>(sync.mapping[1].from).name, "first_name");
  EXPECT_THAT(sync.mapping[2].path, ElementsAre("properties", "plan"));
  EXPECT_EQ(sync.mapping[2].from, (FieldMapping::Origin(FieldMapping::Column{"attrs", {"plan"}})));
  EXPECT_EQ(sync.mapping[2].default_json, "\"free\"");
  EXPECT_EQ(sync.mapping[2].on_null, OnNull::kOmit);
  EXPECT_THAT(sync.mapping[3].path, ElementsAre("a.b", "c"));
  EXPECT_EQ(std::get<FieldMapping::Column>(sync.mapping[3].from),
            (FieldMapping::Column{"x.y", {"z"}}));
  EXPECT_EQ(std::get<FieldMapping::Constant>(sync.mapping[4].from).json, "12345678901234567890");
  EXPECT_EQ(sync.mapping[4].cast, Cast::kString);
  EXPECT_EQ(std::get<FieldMapping::Constant>(sync.mapping[5].from).json, R"({"a":[1,"no"]})");
  EXPECT_EQ(std::get<FieldMapping::Constant>(sync.mapping[6].from).json, "null");
}

TEST(ResourceReader, ReadsLimitsWithTheirUnits) {
  const auto sync = ReadOne<Sync>(R"(
apiVersion: penstock.dev/v1
kind: Sync
metadata: {name: s}
spec:
  mode: mirror
  on_removed: delete
  shared: true
  on_mapping_change: resync
  options: {audience: 120210000000000001}
  schedule: {every: 5m}
  guard: {max_removed: 20%, max_rejected: 0.25, max_removed_min: 7}
  delivery: {guarantee: at_most_once, max_batch_records: 50, max_in_flight: 4, give_up_after: 6h}
  on_rejected: {retry_from: 90s, retry_to: 2d}
)");
  EXPECT_EQ(sync.schedule, Schedule(EverySchedule{minutes(5)}));
  EXPECT_DOUBLE_EQ(sync.guard.max_removed, 0.2);
  EXPECT_DOUBLE_EQ(sync.guard.max_rejected, 0.25);
  EXPECT_EQ(sync.guard.max_removed_min, 7u);
  EXPECT_EQ(sync.delivery, (Delivery{Guarantee::kAtMostOnce, 50, 4, std::chrono::hours(6)}));
  EXPECT_EQ(sync.on_rejected, (RetryDeferred{seconds(90), std::chrono::hours(48)}));
  EXPECT_EQ(sync.options.at("audience"), "120210000000000001");
  EXPECT_EQ(sync.on_removed, OnRemoved::kDelete);
}

TEST(ResourceReader, ReadsAnHttpDestinationWithItsOperations) {
  const auto destination = ReadOne<Destination>(R"(
apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: events-api}
spec:
  connector: http
  config: {base_url: https://events.example.com, auth: {type: bearer, token: "${secret:t}"}}
  quotas: {burst: {requests: 190, per: 10s}}
  objects:
    events:
      identity: [id]
      normalise: {id: lower_trim}
      options: {list: {target: true}}
      operations:
        upsert:
          request: {method: PUT, path: /v1/batch, query: {a: 1}, headers: {X-Y: z}, body: {events: {$each: record, $do: $record.fields}}}
          batch: {max_records: 500, max_bytes: 500kB}
          result: {delivered_when: [200, 202], conflict_codes: [DUP, 17]}
          not_applied: [400]
          confirms: none
          idempotency_header: Idempotency-Key
          timeout: 30s
)");
  EXPECT_EQ(destination.config.at("auth.token"), "${secret:t}");
  EXPECT_EQ(destination.quotas.at("burst"), (Quota{190, seconds(10)}));
  const ObjectSpec& object = destination.objects.at("events");
  EXPECT_EQ(object.normalise.at("id"), Normalisation::kLowerTrim);
  EXPECT_TRUE(object.options.at("list"));
  const OperationSpec& upsert = object.operations.at(Operation::kUpsert);
  EXPECT_EQ(upsert.request.body, R"({"events":{"$each":"record","$do":"$record.fields"}})");
  EXPECT_EQ(upsert.request.query.at("a"), "1");
  EXPECT_EQ(upsert.batch, (BatchLimits{500, 500'000}));
  EXPECT_THAT(upsert.result.delivered_when, ElementsAre(200, 202));
  EXPECT_THAT(upsert.result.conflict_codes, ElementsAre("DUP", "17"));
  EXPECT_THAT(upsert.not_applied, ElementsAre(400));
  EXPECT_EQ(upsert.confirms, Confirms::kNone);
  EXPECT_EQ(upsert.timeout, seconds(30));
}

TEST(ResourceReader, KnowsWhereEachFieldStands) {
  DeclaredResources declared;
  ReadResources("f.yaml", R"(apiVersion: penstock.dev/v1
kind: Sync
metadata: {name: s}
spec:
  mapping:
    email:
      from: email
      transform: [trim]
    properties.plan: plan
)",
                declared);
  const auto line = [&](std::string_view violation) {
    return declared.places.Find(violation).value_or(FilePlace{}).line;
  };
  EXPECT_EQ(line("Sync/s"), 1);
  EXPECT_EQ(line("Sync/s: spec.mapping.email.from"), 7);
  EXPECT_EQ(line("Sync/s: spec.mapping.email.transform[0].region"), 8);
  EXPECT_EQ(line("Sync/s: spec.mapping.properties.plan.cast"), 9);
  EXPECT_EQ(line("Sync/s: spec.identity"), 4);
  EXPECT_FALSE(declared.places.Find("Sync/other: spec").has_value());
}

TEST(BuiltinConnectors, AreReadableAndValid) {
  std::vector<std::string> errors;
  for (const ResourceError& error : BuiltinConnectorErrors()) errors.push_back(error.ToString());
  EXPECT_THAT(errors, IsEmpty());
  DeclaredResources declared{.resources = BuiltinConnectors()};
  CheckDeclared(declared, {});
  for (const ResourceError& error : declared.errors) errors.push_back(error.message);
  EXPECT_THAT(errors, IsEmpty());
  std::vector<std::string> names;
  for (const Resource& resource : BuiltinConnectors()) names.push_back(MetadataOf(resource).name);
  EXPECT_THAT(names, ElementsAre("http", "hubspot", "postgres"));
}

TEST(Examples, AreValid) {
  DeclaredResources declared = ReadResourceFiles({PENSTOCK_SOURCE_DIR "/examples/quickstart"});
  CheckDeclared(declared, BuiltinConnectors());
  std::vector<std::string> errors;
  for (const ResourceError& error : declared.errors) errors.push_back(error.ToString());
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(declared.resources.size(), 4u);
}

}  // namespace
}  // namespace penstock

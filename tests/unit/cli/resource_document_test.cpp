#include "cli/resource_document.h"

#include <gmock/gmock.h>

#include "cli/output.h"
#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/config/resource_check.h"
#include "services/common/config/resource_reader.h"

namespace penstock::cli {
namespace {

Resource WriteAndRead(const Resource& resource) {
  DeclaredResources declared;
  const std::string yaml = YamlText(ToDocument(resource));
  ReadResources("f.yaml", yaml, declared);
  for (const ResourceError& error : declared.errors)
    ADD_FAILURE() << error.ToString() << "\n" << yaml;
  return declared.resources.empty() ? Resource() : declared.resources.front();
}

TEST(ResourceDocument, IsReadBackAsItWas) {
  const DeclaredResources examples =
      ReadResourceFiles({PENSTOCK_SOURCE_DIR "/examples/quickstart"});
  ASSERT_FALSE(examples.resources.empty());
  for (const Resource& resource : examples.resources) EXPECT_EQ(WriteAndRead(resource), resource);
  for (const Resource& resource : BuiltinConnectors()) EXPECT_EQ(WriteAndRead(resource), resource);
}

TEST(ResourceDocument, KeepsWhatIsEasilyLost) {
  Sync sync{.meta = {.name = "s", .labels = {{"on", "true"}}},
            .model = "m",
            .destination = "d",
            .object = "12",
            .mode = Mode::kMirror,
            .on_removed = OnRemoved::kDelete,
            .identity = {"a.b"},
            .shared = true};
  sync.mapping = {
      {.path = {"a.b", "c"}, .from = FieldMapping::Column{"x.y", {"z"}}},
      {.path = {"n"},
       .from = FieldMapping::Constant{"12345678901234567890"},
       .default_json = "\"no\"",
       .cast = Cast::kString,
       .transforms =
           {{"trim", {}}, {"e164", R"({"region":"DE"})"}, {"slice", "[0,10]"}, {"round", "2"}},
       .on_null = OnNull::kSkipRecord},
      {.path = {"hello"}, .from = FieldMapping::Template{"Hello {{ a | default: 'you' }}\n"}},
      {.path = {"all"}, .from = FieldMapping::AllColumns{{"a", "no"}}, .on_null = OnNull::kOmit},
      {.path = {"every"}, .from = FieldMapping::AllColumns{}},
      {.path = {"t"}, .from = FieldMapping::Constant{R"({"a":["null","true",null,"1\n2"]})"}}};
  sync.options = {{"list", "007"}};
  sync.schedule = EverySchedule{std::chrono::minutes(90)};
  sync.overlap = Overlap::kQueue;
  sync.guard = {0.25, 7, 0.125, 9};
  sync.delivery = {Guarantee::kAtMostOnce, 5, 6, std::chrono::hours(6)};
  sync.on_rejected = {std::chrono::seconds(1), std::chrono::hours(2)};
  EXPECT_EQ(WriteAndRead(sync), Resource(sync));
  sync.schedule = CronSchedule{"*/15 * * * MON-FRI", "Europe/Berlin"};
  EXPECT_EQ(WriteAndRead(sync), Resource(sync));
  sync.schedule = AfterSchedule{{"a", "b"}, true};
  EXPECT_EQ(WriteAndRead(sync), Resource(sync));
  sync.guard.max_changed = 0.5;
  sync.mode = Mode::kAppend;
  sync.on_removed.reset();
  sync.on_change = OnChange::kSend;
  sync.backfill = Backfill::kNone;
  sync.on_mapping_change = OnMappingChange::kChangedRowsOnly;
  EXPECT_EQ(WriteAndRead(sync), Resource(sync));
  const Destination destination{.meta = {.name = "d"},
                                .connector = "http",
                                .quotas = {{"burst", {10, std::chrono::seconds(10), 0.8, 0}},
                                           {"slots", {0, milliseconds(0), 1, 4}}}};
  EXPECT_EQ(WriteAndRead(destination), Resource(destination));
}

TEST(ResourceDocument, ShowsDefaultsThatMayStandInAFile) {
  const DeclaredResources examples =
      ReadResourceFiles({PENSTOCK_SOURCE_DIR "/examples/quickstart"});
  std::string yaml;
  for (const Resource& resource : examples.resources)
    yaml += YamlText(ToDocument(resource, Defaults::kShown)) + "---\n";
  DeclaredResources shown;
  ReadResources("f.yaml", yaml, shown);
  CheckDeclared(shown, BuiltinConnectors());
  for (const ResourceError& error : shown.errors) ADD_FAILURE() << error.ToString() << "\n" << yaml;
  for (const char* field :
       {"timezone: UTC", "account: crm", "on_removed: delete", "backfill: all", "on_null: send",
        "on_mapping_change: resync", "shared: false", "max_removed: 0.1", "max_removed_min: 100",
        "max_rejected: 0.5", "max_rejected_min: 1000", "guarantee: at_least_once",
        "give_up_after: 1d", "retry_from: 1h", "retry_to: 1d", "share: 1"})
    EXPECT_THAT(yaml, testing::HasSubstr(field));
}

}  // namespace
}  // namespace penstock::cli

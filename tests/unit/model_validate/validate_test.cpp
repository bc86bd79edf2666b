#include "services/common/model/validate.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

OperationSpec Put() {
  return {.request = {.method = "PUT", .path = "/things"}};
}

// A connector whose object "things" can upsert and remove; "list" is part of its target.
Connector Api() {
  Connector connector{.meta = {.name = "api"}, .base_url = "https://api.example.com"};
  ObjectSpec& things = connector.objects["things"];
  things.options = {{"list", true}, {"note", false}};
  things.operations = {{Operation::kUpsert, Put()}, {Operation::kRemove, Put()}};
  return connector;
}

Sync MirrorTo(const std::string& destination, const std::string& list) {
  return {.meta = {.name = "mirror"},
          .model = "rows",
          .destination = destination,
          .object = "things",
          .mode = Mode::kMirror,
          .identity = {"id"},
          .mapping = {{.path = {"id"}, .from = FieldMapping::Column{"id", {}}}},
          .options = {{"list", list}}};
}

class ValidateTest : public testing::Test {
 protected:
  ValidateTest() {
    resources_ = {
        Source{.meta = {.name = "db"}, .connector = "postgres"},
        Model{.meta = {.name = "rows"}, .source = "db", .table = "rows", .primary_key = {"id"}},
        Api(),
        Destination{.meta = {.name = "one"}, .connector = "api", .account = "shared"},
        Destination{.meta = {.name = "two"}, .connector = "api", .account = "shared"},
        Destination{.meta = {.name = "three"}, .connector = "api"}};
  }

  std::vector<std::string> Problems() const {
    ResourceSet all;
    all.Add(resources_);
    std::vector<std::string> out;
    for (const ResourceProblem& problem : Validate(resources_, all))
      out.push_back(problem.name + " " + problem.field + ": " + problem.message);
    return out;
  }
  void Add(Sync sync, const std::string& name) {
    sync.meta.name = name;
    resources_.emplace_back(std::move(sync));
  }

  std::vector<Resource> resources_;
};

TEST_F(ValidateTest, TakesWhatIsRight) {
  Add(MirrorTo("one", "a"), "first");
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ValidateTest, LetsOneSyncOfATargetRemoveThoughDestinationsDiffer) {
  Add(MirrorTo("one", "a"), "first");
  Add(MirrorTo("two", "a"), "second");
  EXPECT_THAT(Problems(),
              ElementsAre("first spec.mode: Sync \"second\" writes to the same object and removes "
                          "too; only one Sync of a target may remove",
                          "second spec.mode: Sync \"first\" writes to the same object and removes "
                          "too; only one Sync of a target may remove"));
}

TEST_F(ValidateTest, TakesAnotherAccountOrTargetOptionForAnotherTarget) {
  Add(MirrorTo("one", "a"), "first");
  Add(MirrorTo("two", "b"), "second");
  Add(MirrorTo("three", "a"), "third");
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ValidateTest, TakesAnotherPlainOptionForTheSameTarget) {
  Sync other = MirrorTo("one", "a");
  other.options["note"] = "x";
  Add(MirrorTo("one", "a"), "first");
  Add(other, "second");
  EXPECT_EQ(Problems().size(), 2u);
}

TEST_F(ValidateTest, AsksARemovingSyncBesideAnotherWriterForShared) {
  Sync upsert = MirrorTo("one", "a");
  upsert.mode = Mode::kUpsert;
  Sync mirror = MirrorTo("one", "a");
  Add(mirror, "mirror");
  Add(upsert, "upsert");
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("mirror spec.shared: Sync \"upsert\" writes to "
                                                "the same object; a Sync that removes must say"),
                                      HasSubstr("upsert spec.object: Sync \"mirror\" writes")));
  std::get<Sync>(resources_[6]).shared = true;
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(ValidateTest, RefusesRemovingWhereTheObjectCannotRemove) {
  std::get<Connector>(resources_[2]).objects["things"].operations.erase(Operation::kRemove);
  Add(MirrorTo("one", "a"), "first");
  Sync keeps = MirrorTo("one", "b");
  keeps.mode = Mode::kUpsert;
  keeps.on_removed = OnRemoved::kDelete;
  Add(keeps, "second");
  EXPECT_THAT(Problems(),
              ElementsAre(HasSubstr("first spec.mode: removing needs the operation remove"),
                          HasSubstr("second spec.on_removed: removing needs the operation")));
}

TEST_F(ValidateTest, AsksForOptionsThatArePartOfTheTarget) {
  Sync sync = MirrorTo("one", "a");
  sync.options.clear();
  Add(sync, "first");
  EXPECT_THAT(Problems(), ElementsAre("first spec.options.list: is missing; it is part of what "
                                      "this Sync writes to"));
}

TEST_F(ValidateTest, HoldsOnRemovedAgainstTheMode) {
  std::get<Connector>(resources_[2]).objects["things"].operations[Operation::kInsert] = Put();
  Sync sync = MirrorTo("one", "a");
  sync.mode = Mode::kInsert;
  sync.on_removed = OnRemoved::kKeep;
  Add(sync, "first");
  EXPECT_THAT(Problems(), ElementsAre("first spec.on_removed: mode insert never removes; remove "
                                      "this field or use another mode"));
}

TEST_F(ValidateTest, RefusesOfSchedulesWhatTheFilesCanNotSay) {
  Sync sync = MirrorTo("one", "a");
  sync.overlap = static_cast<Overlap>(3);
  sync.schedule = EverySchedule{milliseconds(-1)};
  Add(sync, "first");
  EXPECT_THAT(Problems(), ElementsAre("first spec.overlap: must be skip or queue; only triggers "
                                      "can be refused",
                                      "first spec.schedule.every: must be 1s or more"));
}

TEST_F(ValidateTest, MergesInlineObjectsAndQuotasIntoTheConnector) {
  Destination destination{.meta = {.name = "d"}, .quotas = {{"burst", {5, milliseconds(10)}}}};
  destination.objects["mine"].operations[Operation::kUpsert] = Put();
  Connector connector = Api();
  connector.quotas = {{"burst", {1, milliseconds(10)}}, {"daily", {2, milliseconds(20)}}};
  const Connector effective = EffectiveConnector(connector, destination);
  EXPECT_EQ(effective.quotas.at("burst").requests, 5);
  EXPECT_EQ(effective.quotas.at("daily").requests, 2);
  EXPECT_NE(FindObject(effective, "mine"), nullptr);
  EXPECT_NE(FindObject(effective, "things"), nullptr);
  EXPECT_EQ(FindObject(effective, "other"), nullptr);
}

// What a client sends that writes no YAML is held to the same rules.
TEST_F(ValidateTest, LetsSecretsOnlyBeTheKeyOfATransform) {
  Sync sync = MirrorTo("one", "a");
  const std::string secret = "\"${secret:pepper}\"";
  const auto map = [&](const char* field, FieldMapping::Origin from,
                       std::vector<Transform> transforms) {
    sync.mapping.push_back(
        {.path = {field}, .from = std::move(from), .transforms = std::move(transforms)});
  };
  map("hash", FieldMapping::Column{"id", {}}, {{"hmac_sha256", secret}});
  map("value", FieldMapping::Constant{secret}, {});
  map("template", FieldMapping::Template{"{{ id | default: '${secret:pepper}' }}"}, {});
  map("default", FieldMapping::Column{"id", {}}, {{"default", secret}});
  map("path", FieldMapping::Column{"id", {}}, {{"hmac_sha256", "\"${secret:../state}\""}});
  Add(sync, "first");
  const std::string refused =
      ": secrets may be named only in config of a Source or Destination, and as a transform's key";
  EXPECT_THAT(
      Problems(),
      ElementsAre("first spec.mapping.value.value" + refused,
                  "first spec.mapping.template.template" + refused,
                  "first spec.mapping.default.transform[0]" + refused,
                  "first spec.mapping.path.transform[0]: ${secret:../state} needs a name of "
                  "letters, digits, '-', '_' and '.'"));
}

}  // namespace
}  // namespace penstock

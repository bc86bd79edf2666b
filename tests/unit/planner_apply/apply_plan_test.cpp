#include "services/planner/app/apply_plan.h"

#include <gmock/gmock.h>

#include "services/common/config/builtin/builtin_connectors.h"
#include "services/planner/app/apply_rules.h"

namespace penstock::planner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Source kSource{.meta = {.name = "wh"}, .connector = "postgres"};
const Model kModel{.meta = {.name = "m"}, .source = "wh", .table = "t", .primary_key = {"id"}};
const Destination kCrm{
    .meta = {.name = "crm"}, .connector = "hubspot", .config = {{"access_token", "t"}}};
const Sync kSync{.meta = {.name = "s"},
                 .model = "m",
                 .destination = "crm",
                 .object = "contacts",
                 .mode = Mode::kMirror,
                 .identity = {"email"},
                 .mapping = {{.path = {"email"}, .from = FieldMapping::Column{"email", {}}}}};

std::vector<StoredResource> Stored() {
  return {{kSource, "1"}, {kModel, "2"}, {kCrm, "3"}, {kSync, "4"}};
}

ApplyPlan PlanOf(std::vector<Resource> declared) {
  return {std::move(declared), Stored(), BuiltinConnectors()};
}

std::vector<std::string> Texts(const std::vector<ResourceProblem>& problems) {
  std::vector<std::string> texts;
  for (const ResourceProblem& one : problems)
    texts.push_back(one.kind + "/" + one.name + " " + one.field + ": " + one.message);
  return texts;
}

std::vector<std::string> StoredNames(const ApplyPlan& plan) {
  std::vector<std::string> names;
  for (const StoredResource& one : plan.ToStore())
    names.push_back(MetadataOf(one.resource).name + "@" + one.etag);
  return names;
}

TEST(ApplyPlan, LeavesAloneWhatIsEqual) {
  const ApplyPlan plan = PlanOf({kSource, kModel, kCrm, kSync});
  EXPECT_FALSE(plan.ChangesAnything());
  EXPECT_THAT(plan.Check(), IsEmpty());
  EXPECT_THAT(plan.ModelsToDescribe(), IsEmpty());
}

TEST(ApplyPlan, AsksAboutSyncsThatHangOnAChangedSource) {
  Source source = kSource;
  source.schema = "marts";
  const ApplyPlan plan = PlanOf({source});
  ASSERT_EQ(plan.ModelsToDescribe().size(), 1u);
  EXPECT_THAT(plan.ModelsToDescribe()[0].syncs, ElementsAre(plan.after().FindSync("s")));
}

TEST(ApplyPlan, SaysWhatAChangeBreaksThoughItWasNotDeclared) {
  Destination renamed = kCrm;
  renamed.meta = {.name = "crm-eu", .renamed_from = "crm"};
  EXPECT_THAT(Texts(PlanOf({renamed}).Check()),
              ElementsAre("Sync/s spec.destination: there is no Destination \"crm\""));
}

TEST(ApplyPlan, SaysWhichSyncsWouldLoseWhomTheyComeAfter) {
  Sync child = kSync, renamed = kSync;
  child.meta.name = "child";
  child.mode = renamed.mode = Mode::kUpsert;
  child.schedule = AfterSchedule{{"s"}};
  renamed.meta = {.name = "people", .renamed_from = "s"};
  std::vector<StoredResource> stored = Stored();
  stored.push_back({child, "5"});
  EXPECT_THAT(Texts(ApplyPlan({renamed}, stored, BuiltinConnectors()).Check()),
              ElementsAre("Sync/child spec.schedule.after.syncs: there is no Sync \"s\""));
  child.schedule = AfterSchedule{{"people"}};
  EXPECT_THAT(Texts(ApplyPlan({renamed, child}, stored, BuiltinConnectors()).Check()), IsEmpty());
}

TEST(ApplyPlan, StoresARenamedDestinationBeforeItsSyncsUnderTheOldEtag) {
  Destination renamed = kCrm;
  renamed.meta = {.name = "crm-eu", .renamed_from = "crm"};
  Sync sync = kSync;
  sync.destination = "crm-eu";
  const ApplyPlan plan = PlanOf({sync, renamed});
  EXPECT_THAT(Texts(plan.Check()), IsEmpty());
  EXPECT_THAT(StoredNames(plan), ElementsAre("hubspot@", "crm-eu@3", "s@4"));
  EXPECT_TRUE(plan.SameDestination("crm", "crm-eu"));
  const DeliveredBySync delivered = {
      {"s", {.records = 5, .identity_fingerprint = 7, .keeps_identity = true, .has_run = true}}};
  EXPECT_THAT(Texts(CheckDelivered(plan, delivered, {{"s", 7}}, v1::RESET_UNSPECIFIED).problems),
              IsEmpty());
}

TEST(ApplyPlan, RefusesNamesOfBuiltInConnectorsAndDoubtfulRenames) {
  Connector http{.meta = {.name = "http"}, .base_url = "https://x.example"};
  Destination both = kCrm;
  both.meta.renamed_from = "old";
  std::vector<StoredResource> stored = Stored();
  Destination old = kCrm;
  old.meta.name = "old";
  stored.push_back({old, "5"});
  const ApplyPlan plan({http, both}, stored, BuiltinConnectors());
  EXPECT_THAT(
      Texts(plan.Check()),
      ElementsAre("Connector/http metadata.name: is the name of a built-in connector; take "
                  "another",
                  "Destination/crm metadata.renamed_from: both \"old\" and \"crm\" exist already; "
                  "drop renamed_from"));
}

TEST(ApplyRules, TellHowManyRowsAChangedMappingSendsAgain) {
  Sync sync = kSync;
  sync.mapping.push_back({.path = {"plan"}, .from = FieldMapping::Column{"plan", {}}});
  const ApplyPlan plan = PlanOf({sync});
  const DeliveredBySync delivered = {{"s", {.records = 1000, .keeps_identity = true}}};
  EXPECT_THAT(EffectsOn(plan, sync, delivered, v1::RESET_UNSPECIFIED),
              ElementsAre("mapping changed: all 1000 delivered rows are sent once more"));
  EXPECT_THAT(EffectsOn(PlanOf({kSync}), kSync, delivered, v1::RESET_UNSPECIFIED), IsEmpty());
}

TEST(ApplyRules, RefuseAnotherObjectOnlyOnceSomethingWasDelivered) {
  Sync sync = kSync;
  sync.object = "companies";
  const ApplyPlan plan = PlanOf({sync});
  const auto check = [&](const DeliveredRows& rows, v1::Reset reset) {
    return CheckDelivered(plan, {{"s", rows}}, {}, reset);
  };
  const DeliveredRows some{.records = 3, .keeps_identity = true};
  EXPECT_THAT(Texts(check({.keeps_identity = true}, v1::RESET_UNSPECIFIED).problems), IsEmpty());
  // To resend is not enough: what was sent would be removed from the new object.
  for (const v1::Reset reset : {v1::RESET_UNSPECIFIED, v1::RESET_RESEND}) {
    EXPECT_THAT(Texts(check(some, reset).problems),
                ElementsAre("Sync/s spec.object: can't change: it has delivered to \"contacts\" "
                            "(3 rows); take a new name for the Sync, change it back, or start it "
                            "anew with --reset=forget"));
  }
  for (const v1::Reset reset : {v1::RESET_FORGET, v1::RESET_BASELINE}) {
    EXPECT_THAT(check(some, reset).problems, IsEmpty());
    EXPECT_THAT(check(some, reset).reset, ElementsAre("s"));
  }
}

TEST(ApplyRules, AnotherIdentityNeedsAReset) {
  Sync sync = kSync;
  sync.mapping[0].cast = Cast::kString;
  const ApplyPlan plan = PlanOf({sync});
  const DeliveredBySync delivered = {
      {"s", {.records = 3, .identity_fingerprint = 7, .keeps_identity = true}}};
  EXPECT_THAT(
      Texts(CheckDelivered(plan, delivered, {{"s", 8}}, v1::RESET_UNSPECIFIED).problems),
      ElementsAre("Sync/s spec.identity: can't change: the delivered rows are known by an identity "
                  "of other fields, types or transforms (3 rows); take a new name for the Sync, "
                  "change it back, or start it anew with --reset"));
  const DeliveredVerdict reset = CheckDelivered(plan, delivered, {{"s", 8}}, v1::RESET_RESEND);
  EXPECT_THAT(reset.problems, IsEmpty());
  EXPECT_THAT(reset.reset, ElementsAre("s"));
  EXPECT_THAT(EffectsOn(plan, sync, delivered, v1::RESET_RESEND),
              ElementsAre("reset: all 3 delivered rows are sent once more"));
}

TEST(ApplyPlan, WhatIsDeletedIsGoneForThoseWhoReferToIt) {
  const ApplyPlan plan({}, Stored(), BuiltinConnectors(), {{"Model", "m"}});
  EXPECT_TRUE(plan.ChangesAnything());
  EXPECT_THAT(Texts(plan.Check()), ElementsAre("Sync/s spec.model: there is no Model \"m\""));
}

TEST(ApplyPlan, DeletesThoseWhoReferFirst) {
  const ApplyPlan plan({}, Stored(), BuiltinConnectors(),
                       {{"Model", "m"}, {"Source", "wh"}, {"Sync", "s"}});
  EXPECT_THAT(Texts(plan.Check()), IsEmpty());
  EXPECT_THAT(plan.Deleted(), ElementsAre(ApplyPlan::Id("Sync", "s"), ApplyPlan::Id("Model", "m"),
                                          ApplyPlan::Id("Source", "wh")));
}

}  // namespace
}  // namespace penstock::planner

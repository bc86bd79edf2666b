#include "services/common/model/resources.h"

#include <gmock/gmock.h>

#include "services/common/model/operation.h"
#include "services/common/model/outcome.h"

namespace penstock {
namespace {

TEST(Resources, KnowTheirKind) {
  EXPECT_EQ(KindName(Source{}), "Source");
  EXPECT_EQ(KindName(Model{}), "Model");
  EXPECT_EQ(KindName(Destination{}), "Destination");
  EXPECT_EQ(KindName(Connector{}), "Connector");
  Sync sync;
  sync.meta.name = "crm";
  EXPECT_EQ(KindName(sync), "Sync");
  EXPECT_EQ(MetadataOf(sync).name, "crm");
}

TEST(Resources, FieldsAreNamedAsUsersWriteThem) {
  EXPECT_EQ(FieldName({"email"}), "email");
  EXPECT_EQ(FieldName({"properties", "amount"}), "properties.amount");
}

TEST(Names, AreThoseOfTheYaml) {
  for (Mode mode : {Mode::kUpsert, Mode::kUpdate, Mode::kInsert, Mode::kMirror, Mode::kAppend})
    EXPECT_EQ(ModeByName(Name(mode)), mode);
  EXPECT_EQ(ModeByName("upsrt"), std::nullopt);
  EXPECT_EQ(OperationByName("remove"), Operation::kRemove);
  EXPECT_EQ(OperationFor(Mode::kMirror), Operation::kUpsert);
  EXPECT_EQ(OperationFor(Mode::kInsert), Operation::kInsert);
  EXPECT_EQ(Name(Outcome::kRejected), "rejected");
}

}  // namespace
}  // namespace penstock

#include "services/extractor/domain/mapping/older_recipe.h"

#include <gmock/gmock.h>

#include "tests/unit/extractor/binary_row.h"

namespace penstock {
namespace {

using testing::BinaryRow;

constexpr uint64_t kSeed = 5;

// Columns a: float8, b: text, c: int8; the fields of the mapping are named like their columns.
Program CompileFields(const std::vector<std::string>& fields) {
  Sync sync;
  sync.identity = {fields.back()};
  for (const std::string& name : fields) {
    FieldMapping field;
    field.path = {name};
    field.from = FieldMapping::Column{name, {}};
    sync.mapping.push_back(field);
  }
  ModelDescription description;
  for (const auto& [name, oid] : {std::pair{"a", 701u}, {"b", 25u}, {"c", 20u}}) {
    Column column{name, {}};
    column.type.oid = oid;
    description.columns.push_back(column);
  }
  const std::string utc = "UTC";
  return *Compile({sync, Model(), description, utc}).program;
}

TEST(OlderRecipe, HashesTheRowsOfANewerReadAsItsOwn) {
  const Program older = CompileFields({"a", "c", "b"});
  const Program newer = CompileFields({"b"});
  std::vector<SelectColumn> select = newer.select;
  OlderRecipe recipe(older, select, kSeed);
  EXPECT_EQ(recipe.recipe(), older.recipe);
  ASSERT_THAT(select, ::testing::ElementsAre(SelectColumn{"b", "text"}, SelectColumn{"a", "float8"},
                                             SelectColumn{"c", "int8"}));
  Mapper mapper(older, kSeed);
  BinaryRow then, now, null_then, null_now;
  then.Double(0.0).Text("x").Int(7);
  now.Text("x").Double(-0.0).Int(7);
  EXPECT_EQ(recipe.RowHash(now.Raw()), mapper.RowHash(then.Raw())) << "-0 is 0";
  null_then.Null().Text("").Null();
  null_now.Text("").Null().Null();
  EXPECT_EQ(recipe.RowHash(null_now.Raw()), mapper.RowHash(null_then.Raw()));
  EXPECT_NE(recipe.RowHash(null_now.Raw()), recipe.RowHash(now.Raw()));
}

}  // namespace
}  // namespace penstock

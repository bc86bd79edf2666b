#include "services/extractor/domain/mapping/mapper.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/unit/extractor/binary_row.h"

namespace penstock {
namespace {

using testing::BinaryRow;
using ::testing::HasSubstr;

constexpr uint32_t kInt4 = 23, kInt8 = 20, kText = 25, kFloat8 = 701, kJsonb = 3802, kUuid = 2950;

FieldMapping From(const std::string& field, const std::string& column) {
  FieldMapping mapping;
  mapping.path = {field};
  mapping.from = FieldMapping::Column{column, {}};
  return mapping;
}

// A sync over columns that a test sets up, compiled with Make().
class MapperTest : public ::testing::Test {
 protected:
  MapperTest() {
    sync_.meta.name = "crm";
    sync_.identity = {"id"};
    sync_.mapping = {From("id", "id")};
    model_.meta.name = "customers";
    model_.primary_key = {"id"};
    AddColumn("id", kInt8);
  }
  void AddColumn(const std::string& name, uint32_t oid, uint32_t element = 0) {
    ColumnType type;
    type.oid = oid;
    type.element_oid = element;
    description_.columns.push_back({name, type});
  }
  FieldMapping& Map(const std::string& field, const std::string& column) {
    return sync_.mapping.emplace_back(From(field, column));
  }
  CompileResult TryCompile() {
    CompileInput input{sync_, model_, description_, timezone_, encoding_, values_, normalise_};
    input.max_record_bytes = max_record_bytes_;
    input.secret = [this](const std::string&) { return absl::StatusOr<std::string>(secret_); };
    return Compile(input);
  }
  void Make() {
    CompileResult result = TryCompile();
    for (const CompileError& error : result.errors)
      ADD_FAILURE() << error.field << ": " << error.message;
    program_ = *std::move(result.program);
    mapper_.emplace(program_, 99);
  }
  // The fields' slices, "-" where absent; or the error; or "skip".
  std::vector<std::string> Render(BinaryRow& row) {
    RenderedRecord record;
    ValueError error;
    switch (mapper_->Render(row.Raw(), record, error)) {
      case Mapper::Rendering::kSkip:
        return {"skip"};
      case Mapper::Rendering::kInvalid:
        return {std::string(Name(error.code)) + ": " + error.reason};
      case Mapper::Rendering::kDone:
        break;
    }
    std::vector<std::string> slices;
    for (size_t i = 0; i < record.size(); ++i) slices.emplace_back(record.slice(i).value_or("-"));
    return slices;
  }
  Hash128 Key(BinaryRow& row) {
    Hash128 key;
    MaybeError error = mapper_->Key(row.Raw(), key);
    EXPECT_FALSE(error.has_value()) << error->reason;
    return key;
  }

  Sync sync_;
  Model model_;
  ModelDescription description_;
  std::string timezone_ = "UTC";
  Encoding encoding_ = Encoding::kJson;
  ValueRules values_;
  std::map<std::string, Normalisation> normalise_;
  size_t max_record_bytes_ = 1 << 20;
  std::string secret_ = "pepper";
  Program program_;
  std::optional<Mapper> mapper_;
};

TEST_F(MapperTest, WorksThroughAFieldInTheOrderOfItsOptions) {
  AddColumn("attrs", kJsonb);
  FieldMapping& plan = Map("plan", "attrs");
  plan.from = FieldMapping::Column{"attrs", {"plan"}};
  plan.default_json = "\" Free \"";
  plan.transforms = {{"trim", {}}, {"upper", {}}};
  Map("attrs", "attrs");
  FieldMapping constant;
  constant.path = {"source"};
  constant.from = FieldMapping::Constant{"\"warehouse\""};
  sync_.mapping.push_back(constant);
  Make();
  BinaryRow with, without;
  with.Bytes("\1{\"plan\": \"pro\", \"n\": 1.50}").Int(7);
  without.Null().Int(7);
  EXPECT_THAT(
      Render(with),
      ::testing::ElementsAre("7", "\"PRO\"", "{\"plan\": \"pro\", \"n\": 1.50}", "\"warehouse\""));
  EXPECT_THAT(Render(without), ::testing::ElementsAre("7", "\"FREE\"", "null", "\"warehouse\""));
}

TEST_F(MapperTest, TreatsNullAsTheFieldSays) {
  AddColumn("a", kText);
  values_.null = "\"\"";
  Map("send", "a");
  Map("omit", "a").on_null = OnNull::kOmit;
  FieldMapping& hashed = Map("hashed", "a");
  hashed.transforms = {{"sha256", {}}};
  Make();
  BinaryRow row;
  row.Null().Int(1);
  EXPECT_THAT(Render(row), ::testing::ElementsAre("1", "\"\"", "-", "\"\""));
  sync_.mapping[1].on_null = OnNull::kSkipRecord;
  Make();
  EXPECT_THAT(Render(row), ::testing::ElementsAre("skip"));
}

TEST_F(MapperTest, FollowsTheConnectorsValueRules) {
  AddColumn("flag", 16);
  Map("flag", "flag");
  values_.big_integers = ScalarForm::kString;
  Make();
  BinaryRow small, big;
  small.Bool(true).Int(9007199254740992);
  big.Bool(true).Int(-9007199254740993);
  EXPECT_THAT(Render(small), ::testing::ElementsAre("9007199254740992", "true"));
  EXPECT_THAT(Render(big), ::testing::ElementsAre("\"-9007199254740993\"", "true"));
  values_.scalars = ScalarForm::kString;
  Make();
  EXPECT_THAT(Render(small), ::testing::ElementsAre("\"9007199254740992\"", "\"true\""));
}

TEST_F(MapperTest, AFailedCastNamesTheFieldAndNeverTheValue) {
  AddColumn("age", kText);
  Map("age", "age").cast = Cast::kInteger;
  Make();
  BinaryRow row;
  row.Text("secret").Int(1);
  EXPECT_THAT(Render(row),
              ::testing::ElementsAre("CAST_FAILED: field \"age\": it is not a whole number"));
}

TEST_F(MapperTest, RefusesARecordOverTheLimitAndTakesALargeOne) {
  AddColumn("note", kText);
  Map("note", "note");
  std::string large(10 << 20, 'x');
  BinaryRow row;
  row.Int(1).Text(large);
  Make();
  EXPECT_THAT(Render(row)[0], HasSubstr("RECORD_TOO_LARGE"));
  max_record_bytes_ = 16 << 20;
  Make();
  EXPECT_EQ(Render(row)[1].size(), large.size() + 2);
}

TEST_F(MapperTest, RefusesAnIdentityThatIsTooLargeToBeKeptForARemoval) {
  description_.columns[0].type.oid = kText;
  BinaryRow row;
  row.Text(std::string(70'000, 'x'));
  Make();
  EXPECT_EQ(Render(row)[0].size(), 70'002u);
  sync_.mode = Mode::kMirror;
  Make();
  EXPECT_THAT(Render(row)[0], HasSubstr("RECORD_TOO_LARGE: the identity has 70002 bytes"));
}

TEST_F(MapperTest, CutsLongKeysInLabels) {
  description_.columns[0].type.oid = kText;
  Make();
  const auto label = [&](const std::string& key) {
    BinaryRow row;
    row.Text(key);
    std::string out;
    mapper_->AppendLabel(row.Raw(), out);
    return out;
  };
  EXPECT_EQ(label("short"), R"({"id":"short"})");
  EXPECT_EQ(label(std::string(1'000'000, 'k')), R"({"id":")" + std::string(200, 'k') + "…\"}");
}

TEST_F(MapperTest, TakesThePhonesRegionFromAColumn) {
  AddColumn("phone", kText);
  AddColumn("country", kText);
  Map("phone", "phone").transforms = {{"e164", R"({"region_from":"country"})"}};
  Make();
  BinaryRow row;  // columns by name: country, id, phone
  row.Text("DE").Int(1).Text("030 901820");
  EXPECT_THAT(Render(row), ::testing::ElementsAre("1", "\"+4930901820\""));
}

TEST_F(MapperTest, PassesPlainColumnsAsTheyAreInPgBinary) {
  AddColumn("score", kFloat8);
  AddColumn("note", kText);
  Map("score", "score");
  Map("note", "note").transforms = {{"upper", {}}};
  Map("small", "id").cast = Cast::kString;
  encoding_ = Encoding::kPgBinary;
  Make();
  std::vector<uint32_t> types;
  for (const BatchField& field : program_.batch_fields) types.push_back(field.pg_type);
  EXPECT_THAT(types, ::testing::ElementsAre(kInt8, kFloat8, kText, kText));
  BinaryRow row;
  row.Int(5).Text("a").Double(NAN);
  std::vector<std::string> slices = Render(row);
  EXPECT_EQ(slices[0], std::string("\0\0\0\0\0\0\0\5", 8));
  EXPECT_EQ(slices[1].size(), 8u);
  EXPECT_EQ(slices[2], "A");
  EXPECT_EQ(slices[3], "5");
}

TEST_F(MapperTest, KeysAreThoseOfTheIdentityAsItIsSent) {
  AddColumn("email", kText);
  Map("email", "email").transforms = {{"trim", {}}, {"lower", {}}};
  sync_.identity = {"email"};
  Make();
  BinaryRow a, b, c, null;
  a.Text(" Ann@x ").Int(1);
  b.Text("ann@X").Int(2);
  c.Text("bob@x").Int(1);
  null.Null().Int(1);
  EXPECT_EQ(Key(a), Key(b));
  EXPECT_NE(Key(a), Key(c));
  Hash128 ignored;
  MaybeError error = mapper_->Key(null.Raw(), ignored);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::kIDENTITY_NULL);
  EXPECT_THAT(error->reason, HasSubstr("\"email\""));
}

TEST_F(MapperTest, AConnectorsNormalisationJoinsKeys) {
  AddColumn("email", kText);
  Map("email", "email");
  sync_.identity = {"email"};
  BinaryRow a, b;
  a.Text("Ann@x").Int(1);
  b.Text("ann@x ").Int(1);
  Make();
  EXPECT_NE(Key(a), Key(b));
  normalise_["email"] = Normalisation::kLowerTrim;
  Make();
  EXPECT_EQ(Key(a), Key(b));
}

TEST_F(MapperTest, IntegersKeepTheirKeysWhenTheyAreWidenedAndNotAsText) {
  Make();
  uint64_t as_int8 = program_.identity_fingerprint;
  BinaryRow row;
  row.Int(42);
  Hash128 key = Key(row);
  description_.columns[0].type.oid = kInt4;
  Make();
  EXPECT_EQ(program_.identity_fingerprint, as_int8);
  EXPECT_EQ(program_.select[0].type, "int8");
  EXPECT_EQ(Key(row), key);
  sync_.mapping[0].cast = Cast::kInteger;
  Make();
  EXPECT_EQ(Key(row), key) << "a computed integer has the same key";
  description_.columns[0].type.oid = kText;
  sync_.mapping[0].cast = Cast::kNone;
  Make();
  EXPECT_NE(program_.identity_fingerprint, as_int8);
}

TEST_F(MapperTest, RowHashesIgnoreWhatIsNoChange) {
  AddColumn("score", kFloat8);
  AddColumn("tags", 1009, kText);
  Map("score", "score");
  Map("tags", "tags");
  Make();
  auto tags = [](uint32_t oid) {
    std::string out;
    AppendBig(out, int32_t{0});
    AppendBig(out, int32_t{0});
    AppendBig(out, oid);
    return out;
  };
  auto hash = [&](int64_t id, double score, uint32_t oid) {
    BinaryRow row;
    row.Int(id).Double(score).Bytes(tags(oid));
    return mapper_->RowHash(row.Raw());
  };
  EXPECT_EQ(hash(1, 0.0, 25), hash(1, -0.0, 25));
  EXPECT_EQ(hash(1, NAN, 25), hash(1, -NAN, 25));
  EXPECT_EQ(hash(1, 1, 25), hash(1, 1, 99999));
  EXPECT_NE(hash(1, 1, 25), hash(1, 2, 25));
  EXPECT_NE(hash(1, 1, 25), hash(2, 1, 25));
}

TEST_F(MapperTest, ColumnsThatOnlyNameTheRowAreNotHashed) {
  AddColumn("email", kText);
  sync_.mapping = {From("email", "email")};
  sync_.identity = {"email"};
  Make();
  EXPECT_EQ(program_.hashed_columns, 1u);
  BinaryRow a, b;
  a.Text("x").Int(1);
  b.Text("x").Int(2);
  EXPECT_EQ(mapper_->RowHash(a.Raw()), mapper_->RowHash(b.Raw()));
  std::string label;
  mapper_->AppendLabel(b.Raw(), label);
  EXPECT_EQ(label, "{\"id\":2}");
  sync_.mode = Mode::kMirror;
  Make();
  EXPECT_EQ(program_.hashed_columns, 2u) << "entries of a sync that removes keep the primary key";
}

TEST_F(MapperTest, RecipesDifferWhereRowsMayRenderDifferently) {
  Make();
  uint64_t before = program_.recipe;
  Make();
  EXPECT_EQ(program_.recipe, before);
  timezone_ = "Europe/Berlin";
  Make();
  EXPECT_NE(program_.recipe, before);
  timezone_ = "UTC";
  values_.null = "\"\"";
  Make();
  EXPECT_NE(program_.recipe, before);
  values_.null = "null";
  sync_.mapping[0].on_null = OnNull::kOmit;
  Make();
  EXPECT_NE(program_.recipe, before);
}

TEST_F(MapperTest, KnowsWhenAConstraintKeepsTheIdentityUnique) {
  description_.unique = {{"id"}};
  Make();
  EXPECT_TRUE(program_.key_is_unique);
  sync_.mapping[0].transforms = {{"lower", {}}};
  sync_.mapping[0].cast = Cast::kString;
  Make();
  EXPECT_FALSE(program_.key_is_unique);
}

TEST_F(MapperTest, AllErrorsOfAMappingComeAtOnce) {
  AddColumn("email", kText);
  AddColumn("raw", 17);
  Map("mail", "emial");
  Map("e", "email").transforms = {{"lowr", {}}, {"e164", R"({"regoin":"DE"})"}};
  Map("n", "raw").cast = Cast::kInteger;
  Map("p", "email").from = FieldMapping::Column{"email", {"x"}};
  sync_.identity = {"idd"};
  CompileResult result = TryCompile();
  EXPECT_FALSE(result.program.has_value());
  std::vector<std::string> lines;
  for (const CompileError& e : result.errors)
    lines.push_back(std::string(Name(e.code)) + " " + e.field + ": " + e.message);
  EXPECT_THAT(
      lines,
      ::testing::ElementsAre(
          HasSubstr("MODEL_COLUMN_MISSING mapping.mail: the model \"customers\" has no column "
                    "\"emial\" (did you mean \"email\"?)"),
          HasSubstr("mapping.e.transform[0]: there is no transform \"lowr\" (did you mean "
                    "\"lower\"?)"),
          HasSubstr("mapping.e.transform[1]: transform \"e164\" has no argument \"regoin\" (did "
                    "you mean \"region\"?)"),
          HasSubstr("mapping.n.cast: column \"raw\" of type bytea can't be cast to integer"),
          HasSubstr(
              "mapping.p.from: column \"email\" is of type text; a path leads only into json"),
          HasSubstr("identity: \"idd\" is not a mapped field (did you mean \"id\"?)")));
}

TEST_F(MapperTest, AllColumnsStandInTheirOrderWithoutThoseOfExceptAndThoseMappedThere) {
  for (const char* name : {"zip", "attrs", "a.b", "plan"}) AddColumn(name, kText);
  FieldMapping all;
  all.path = {"p"};
  all.from = FieldMapping::AllColumns{{"attrs"}};
  all.on_null = OnNull::kOmit;
  sync_.mapping.push_back(all);
  sync_.mapping.push_back(From("x", "zip"));
  sync_.mapping.back().path = {"p", "plan", "name"};
  Make();
  std::vector<std::string> names;
  for (const FieldProgram& field : program_.fields) names.push_back(field.name);
  EXPECT_THAT(names, ::testing::ElementsAre("id", "p.id", "p.zip", "p.a.b", "p.plan.name"));
  EXPECT_THAT(program_.batch_fields[3].path, ::testing::ElementsAre("p", "a.b"));
  BinaryRow row;  // columns by name: a.b, id, zip
  row.Null().Int(1).Text("z");
  EXPECT_THAT(Render(row), ::testing::ElementsAre("1", "1", "\"z\"", "-", "\"z\""));

  const uint64_t before = program_.recipe;
  AddColumn("new", kText);
  Make();
  EXPECT_NE(program_.recipe, before) << "a new column is a changed mapping";
  encoding_ = Encoding::kPgBinary;
  ASSERT_FALSE(TryCompile().errors.empty());
  EXPECT_EQ(TryCompile().errors[0].field + ": " + TryCompile().errors[0].message,
            "mapping.p.columns: makes an object, which this destination's columns can't hold; map "
            "each column by its name");
}

TEST_F(MapperTest, DefaultComesBeforeCastAndCastBeforeTransforms) {
  AddColumn("n", kText);
  FieldMapping& field = Map("n", "n");
  field.default_json = "\" 7.50 \"";
  field.cast = Cast::kNumber;
  field.transforms = {{"round", ""}, {"null_if", "8"}};
  field.on_null = OnNull::kOmit;
  Make();
  BinaryRow null, seven;
  null.Int(1).Null();
  seven.Int(1).Text("7.4");
  EXPECT_EQ(Render(null)[1], "-") << "on_null is told of what the transforms made NULL";
  EXPECT_EQ(Render(seven)[1], "7");
}

TEST_F(MapperTest, TemplatesAreKeysAsTheyAreSentAndReadAllTheirColumns) {
  AddColumn("a", kText);
  AddColumn("b", kText);
  AddColumn("c", kText);
  FieldMapping& field = Map("key", "a");
  field.from = FieldMapping::Template{"{{ a }}-{{ id | coalesce: b }}"};
  sync_.identity = {"key"};
  Make();
  std::vector<std::string> columns;
  for (const SelectColumn& column : program_.select) columns.push_back(column.name);
  EXPECT_THAT(columns, ::testing::ElementsAre("a", "b", "id"));
  BinaryRow row, same, other;
  row.Text("x").Text("1").Int(7);
  same.Text("x").Text("2").Int(7);
  other.Text("y").Text("1").Int(7);
  EXPECT_EQ(Render(row)[1], "\"x-7\"");
  EXPECT_EQ(Key(row), Key(same));
  EXPECT_NE(Key(row), Key(other));
  EXPECT_NE(mapper_->RowHash(row.Raw()), mapper_->RowHash(same.Raw()))
      << "a column that a filter names is part of the recipe";
  const uint64_t before = program_.identity_fingerprint;
  sync_.mapping.back().from = FieldMapping::Template{"{{ a }}_{{ id | coalesce: b }}"};
  Make();
  EXPECT_NE(program_.identity_fingerprint, before);
}

TEST_F(MapperTest, ARotatedSecretIsAnotherRecipeAndAnotherIdentity) {
  AddColumn("email", kText);
  Map("hash", "email").transforms = {{"hmac_sha256", "\"${secret:key}\""}};
  Make();
  const uint64_t recipe = program_.recipe, identity = program_.identity_fingerprint;
  secret_ = "salt";
  Make();
  EXPECT_NE(program_.recipe, recipe);
  EXPECT_EQ(program_.identity_fingerprint, identity);
  sync_.identity = {"hash"};
  Make();
  const uint64_t salted = program_.identity_fingerprint;
  secret_ = "pepper";
  Make();
  EXPECT_EQ(program_.recipe, recipe);
  EXPECT_NE(program_.identity_fingerprint, salted);
}

TEST_F(MapperTest, UuidKeysAreOfTheirSixteenBytes) {
  AddColumn("u", kUuid);
  Map("u", "u");
  sync_.identity = {"u"};
  Make();
  EXPECT_EQ(program_.fields[1].key_class, KeyClass::kUuid);
  BinaryRow row;
  row.Int(1).Bytes("0123456789abcdef");
  EXPECT_THAT(Render(row)[1], HasSubstr("30313233-3435"));
}

}  // namespace
}  // namespace penstock

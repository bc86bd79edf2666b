#include "services/common/model/batch.h"

#include <gmock/gmock.h>

#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/common/model/bitmap.h"

namespace penstock {
namespace {

constexpr BatchId kId{.run = {}, .read = 2, .task = 7, .number = 3};

BatchHeader Layout() {
  return {.id = {},
          .operation = Operation::kUpsert,
          .encoding = Encoding::kJson,
          .keeps_identity = true,
          .fields = {{{"email"}, 0}, {{"properties", "amount"}, 1700}},
          .identity_fields = {0}};
}

std::string Encode(BatchBuilder& builder, uint32_t records) {
  for (uint32_t i = 0; i < records; ++i) {
    std::string identity = "ident" + std::to_string(i);
    builder.BeginRecord({.key = {i, uint64_t{3} * i},
                         .row = i + 100,
                         .emission = 9,
                         .primary_key = uint64_t{7} * i,
                         .identity = identity},
                        "[" + std::to_string(i) + "]");
    builder.AddValue("\"e" + std::to_string(i) + "\"");
    if (i % 2 == 0) {
      builder.AddAbsent();
    } else {
      builder.AddValue("");
    }
  }
  return builder.Finish(kId);
}

TEST(Batch, GivesBackWhatWasBuilt) {
  BatchBuilder builder(Layout());
  auto batch = Batch::Decode(Encode(builder, 300));
  ASSERT_TRUE(batch.ok()) << batch.status();
  Batch moved = *std::move(batch);
  EXPECT_EQ(moved.header().id, kId);
  EXPECT_EQ(moved.header().operation, Operation::kUpsert);
  EXPECT_THAT(moved.header().fields[1].path, testing::ElementsAre("properties", "amount"));
  EXPECT_EQ(moved.header().fields[1].pg_type, 1700u);
  EXPECT_THAT(moved.header().identity_fields, testing::ElementsAre(0));
  ASSERT_EQ(moved.size(), 300u);
  EXPECT_EQ(moved.intent(5).key, (Hash128{5, 15}));
  EXPECT_EQ(moved.intent(5).row, 105u);
  EXPECT_EQ(moved.intent(5).emission, 9u);
  EXPECT_EQ(moved.intent(5).primary_key, 35u);
  EXPECT_EQ(moved.intent(5).identity, "ident5");
  EXPECT_EQ(moved.label(5), "[5]");
  EXPECT_EQ(moved.value(5, 0), "\"e5\"");
  EXPECT_EQ(moved.value(5, 1), "") << "an empty value is there";
  EXPECT_EQ(moved.value(4, 1), std::nullopt) << "an absent one is not";
}

TEST(Batch, BuilderStartsAnewAfterFinish) {
  BatchBuilder builder(Layout());
  Encode(builder, 10);
  EXPECT_EQ(builder.records(), 0u);
  EXPECT_EQ(builder.value_bytes(), 0u);
  auto batch = Batch::Decode(Encode(builder, 2));
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->size(), 2u);
  EXPECT_EQ(batch->label(1), "[1]");
}

TEST(Batch, HeaderIsReadWithoutTheBody) {
  BatchBuilder builder(Layout());
  std::string encoded = Encode(builder, 100);
  auto header = Batch::DecodeHeader(encoded.substr(0, 150));
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->id, kId);
}

TEST(Batch, PackedIntentsAreThoseOfIntentWriter) {
  BatchBuilder builder(Layout());
  auto batch = Batch::Decode(Encode(builder, 3));
  ASSERT_TRUE(batch.ok()) << batch.status();
  std::string packed;
  IntentWriter writer(packed, true);
  for (uint32_t i = 0; i < 3; ++i) writer.Add(batch->intent(i));
  EXPECT_EQ(packed, batch->packed_intents());
}

TEST(Batch, RefusesEveryShortening) {
  BatchBuilder builder(Layout());
  std::string encoded = Encode(builder, 20);
  for (size_t n = 0; n < encoded.size(); ++n) {
    auto batch = Batch::Decode(std::string_view(encoded).substr(0, n));
    ASSERT_EQ(CodeOf(batch.status()), ErrorCode::kDATA_CORRUPT) << n;
  }
}

TEST(Batch, RefusesEveryFlippedBit) {
  BatchBuilder builder(Layout());
  std::string encoded = Encode(builder, 20);
  for (size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    std::string damaged = encoded;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_EQ(CodeOf(Batch::Decode(damaged).status()), ErrorCode::kDATA_CORRUPT) << bit;
  }
}

// Whoever wrote a wrong batch may also have given it a right checksum.
TEST(Batch, SurvivesDamageUnderAValidChecksum) {
  BatchBuilder builder(Layout());
  std::string encoded = Encode(builder, 20);
  SeededRandom random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = encoded.substr(0, encoded.size() - 8);
    for (uint64_t flips = 1 + random.Next() % 4; flips > 0; --flips)
      damaged[random.Next() % damaged.size()] = static_cast<char>(random.Next());
    uint64_t checksum = HashBytes64(damaged);
    damaged.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
    auto batch = Batch::Decode(damaged);
    if (!batch.ok()) {
      EXPECT_EQ(CodeOf(batch.status()), ErrorCode::kDATA_CORRUPT);
      continue;
    }
    size_t bytes = 0;
    for (uint32_t r = 0; r < batch->size(); ++r) {
      for (size_t f = 0; f < batch->header().fields.size(); ++f)
        for (char c : batch->value(r, f).value_or("")) bytes += static_cast<unsigned char>(c);
    }
    EXPECT_GE(bytes, 0u);
  }
}

TEST(Intents, RefuseAnotherCount) {
  std::string packed;
  IntentWriter(packed, false).Add({.key = {1, 2}, .row = 3, .emission = 4});
  EXPECT_TRUE(ReadIntents(packed, 1, false).ok());
  for (uint32_t count : {0u, 2u, 0xFFFFFFFFu})
    EXPECT_EQ(CodeOf(ReadIntents(packed, count, false).status()), ErrorCode::kDATA_CORRUPT);
  EXPECT_EQ(CodeOf(ReadIntents(packed, 1, true).status()), ErrorCode::kDATA_CORRUPT);
}

TEST(Identity, IsReadSliceBySlice) {
  std::string packed("\1\0\0\0a\0\0\0\0", 9);
  auto slices = ReadIdentity(packed, 2);
  ASSERT_TRUE(slices.ok()) << slices.status();
  EXPECT_THAT(*slices, testing::ElementsAre("a", ""));
  for (size_t fields : {0, 1, 3})
    EXPECT_EQ(CodeOf(ReadIdentity(packed, fields).status()), ErrorCode::kDATA_CORRUPT);
}

TEST(Bitmap, SetsReadsAndUnites) {
  std::string a, b;
  SetBit(a, 3);
  SetBit(b, 17);
  UniteBits(a, b);
  EXPECT_TRUE(BitAt(a, 3));
  EXPECT_TRUE(BitAt(a, 17));
  EXPECT_FALSE(BitAt(a, 4));
  EXPECT_FALSE(BitAt(a, 1000));
}

}  // namespace
}  // namespace penstock

#include "services/extractor/sources/postgres/copy_parser.h"

#include <gmock/gmock.h>

#include "services/common/core/random.h"
#include "services/common/core/status.h"
#include "services/extractor/domain/mapping/big_endian.h"

namespace penstock {
namespace {

const std::string kHeader = std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0');

// A stream of rows of two fields: "row<i>", and NULL for every third row.
std::string Stream(int rows) {
  std::string out = kHeader;
  for (int i = 0; i < rows; ++i) {
    AppendBig(out, int16_t{2});
    std::string text = "row" + std::to_string(i);
    AppendBig(out, static_cast<int32_t>(text.size()));
    out += text;
    AppendBig(out, i % 3 == 0 ? int32_t{-1} : int32_t{0});
  }
  AppendBig(out, int16_t{-1});
  return out;
}

TEST(CopyParser, FindsTheRowsHoweverTheStreamIsCut) {
  SeededRandom random(1);
  std::string stream = Stream(100);
  for (int round = 0; round < 300; ++round) {
    CopyParser parser(2);
    std::vector<std::string> pieces;
    for (size_t at = 0; at < stream.size();) {
      size_t n = 1 + random.Next() % (round + 1);
      pieces.push_back(stream.substr(at, n));
      at += n;
    }
    int rows = 0;
    auto check = [&] {
      for (const RawRow& row : parser.Block()) {
        ASSERT_EQ(row.fields[0].bytes(), "row" + std::to_string(rows));
        ASSERT_EQ(row.fields[1].null(), rows % 3 == 0);
        ASSERT_EQ(row.bytes.size(), 8 + row.fields[0].bytes().size());
        ASSERT_EQ(row.fields[0].data, row.bytes.data() + 4);
        ++rows;
      }
      parser.Clear();
    };
    for (const std::string& piece : pieces) {
      ASSERT_TRUE(parser.Add(piece).ok());
      if (random.Next() % 3 == 0) check();
    }
    check();
    ASSERT_EQ(rows, 100);
    ASSERT_TRUE(parser.complete());
  }
}

TEST(CopyParser, RefusesWhatIsNoCopyOfThatManyColumns) {
  CopyParser text(2), other(3);
  EXPECT_EQ(CodeOf(text.Add("this is not a binary COPY at all")), ErrorCode::kSOURCE_QUERY_FAILED);
  EXPECT_EQ(CodeOf(other.Add(Stream(1))), ErrorCode::kSOURCE_QUERY_FAILED);
}

TEST(CopyParser, AStreamWithoutItsEndIsNotComplete) {
  std::string stream = Stream(3);
  CopyParser parser(2);
  ASSERT_TRUE(parser.Add(std::string_view(stream).substr(0, stream.size() - 2)).ok());
  EXPECT_EQ(parser.rows(), 3u);
  EXPECT_FALSE(parser.complete());
}

}  // namespace
}  // namespace penstock

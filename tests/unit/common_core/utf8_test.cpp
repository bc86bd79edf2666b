#include "services/common/core/utf8.h"

#include <gtest/gtest.h>

#include "services/common/core/status.h"

namespace penstock {
namespace {

using namespace std::string_view_literals;

TEST(CleanText, ReplacesWhatNoOneStores) {
  EXPECT_EQ(CleanText("café"), "café");
  EXPECT_EQ(CleanText("caf\xe9"), "caf\uFFFD");
  EXPECT_EQ(CleanText("caf\xe9 au lait"), "caf\uFFFD au lait");
  EXPECT_EQ(CleanText("a\0b\0"sv), "a\uFFFDb\uFFFD");
  EXPECT_EQ(CleanText("\xe2\x82"), "\uFFFD\uFFFD");
  EXPECT_EQ(CleanText("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(CleanText(""), "");
}

TEST(ClipText, CutsBetweenCharacters) {
  EXPECT_EQ(ClipText("añb", 4), "añb");
  EXPECT_EQ(ClipText("añb", 3), "añ");
  EXPECT_EQ(ClipText("añb", 2), "a");
  EXPECT_EQ(ClipText("€", 2), "");
}

TEST(Error, TakesTheWordsOfOthers) {
  EXPECT_EQ(Error(ErrorCode::kSOURCE_QUERY_FAILED, "r\xf4le").message(), "r\uFFFDle");
}

}  // namespace
}  // namespace penstock

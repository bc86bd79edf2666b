#include "services/common/functions/bind.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

using ::testing::ElementsAre;

std::string Problem(std::string_view name, std::string_view args) {
  std::vector<std::string> problems;
  const bool bound = BindTransform(name, args, problems).has_value();
  EXPECT_EQ(bound, problems.empty());
  return problems.empty() ? "" : problems.front();
}

TEST(BindTransform, TakesArgumentsByPositionAndByName) {
  std::vector<std::string> problems;
  for (const char* args :
       {R"(["a","b"])", R"({"from":"a","to":"b"})", R"({"to":"b","from":"a"})"}) {
    const std::optional<BoundFunction> bound = BindTransform("replace", args, problems);
    ASSERT_TRUE(bound.has_value()) << args;
    EXPECT_EQ(bound->arguments[0].text, "a");
    EXPECT_EQ(bound->arguments[1].text, "b");
  }
  const auto coalesce = BindTransform("coalesce", R"(["a", "b.c", ["d.e", "f"]])", problems);
  ASSERT_TRUE(coalesce.has_value());
  EXPECT_THAT(coalesce->columns,
              ElementsAre(ColumnPath{"a", {}}, ColumnPath{"b", {"c"}}, ColumnPath{"d.e", {"f"}}));
  const auto named = BindTransform("coalesce", R"({"columns": ["a", "b.c"]})", problems);
  ASSERT_TRUE(named.has_value());
  EXPECT_THAT(named->columns, ElementsAre(ColumnPath{"a", {}}, ColumnPath{"b", {"c"}}));
}

TEST(BindTransform, SaysWhatIsWrongWithArguments) {
  struct Case {
    const char* name;
    const char* args;
    const char* problem;
  };
  const std::string digits =
      "transform \"round\", argument \"places\": must be a whole number from -1000 to 1000";
  const Case cases[] = {
      {"trm", "", "there is no transform \"trm\" (did you mean \"trim\"?)"},
      {"trim", "1", "transform \"trim\" takes no argument"},
      {"round", "1001", digits.c_str()},
      {"round", "-99999999999999999999", digits.c_str()},
      {"round", "1.5", digits.c_str()},
      {"round", "\"2\"", digits.c_str()},
      {"round", "[1,2]", "transform \"round\" takes at most 1: places"},
      {"round", "{\"digits\":1}", "transform \"round\" has no argument \"digits\""},
      {"slice", "", "transform \"slice\" needs the argument \"start\""},
      {"slice", "[0,-1]",
       "transform \"slice\", argument \"length\": must be a whole number from 0 to 2147483647"},
      {"slice", "3000000000",
       "transform \"slice\", argument \"start\": must be a whole number from -2147483647 to "
       "2147483647"},
      {"replace", "[\"\",\"a\"]", "transform \"replace\", argument \"from\": must not be empty"},
      {"replace", "\"a\"", "transform \"replace\" needs the argument \"to\""},
      {"replace", "[1,\"a\"]",
       "transform \"replace\", argument \"from\": must be a text; write \"1\" in quotes"},
      {"split", "\"\"", "transform \"split\", argument \"separator\": must not be empty"},
      {"join", "", "transform \"join\" needs the argument \"separator\""},
      {"e164", "\"Germany\"",
       "transform \"e164\", argument \"region\": \"Germany\" is no region; write its two letters, "
       "like DE"},
      {"e164", "{\"region_from\":\"a..b\"}",
       "transform \"e164\", argument \"region_from\": the column's path has an empty part"},
      {"date_format", "\"\"",
       "transform \"date_format\", argument \"pattern\": must have 1 to 256 characters, like "
       "%Y-%m-%d"},
      {"date_format", "\"%Q\"",
       "transform \"date_format\", argument \"pattern\": has %Q, which is no part of a date; see "
       "docs/mapping.md for those that are"},
      {"date_format", "\"100%\"",
       "transform \"date_format\", argument \"pattern\": ends with a single %; write %% for a "
       "percent sign"},
      {"date_format", "[\"%Y\",\"Mars/Olympus\"]",
       "transform \"date_format\", argument \"timezone\": \"Mars/Olympus\" is no time zone; write "
       "it like Europe/Berlin"},
      {"to_unix", "\"min\"",
       "transform \"to_unix\", argument \"unit\": \"min\" is not one of s, ms, us"},
      {"hmac_sha256", "", "transform \"hmac_sha256\" needs the argument \"key\""},
      {"hmac_sha256", "{\"key\":\"pepper\"}",
       "transform \"hmac_sha256\", argument \"key\": must name a secret, as \"${secret:NAME}\"; a "
       "key that stands in a file is none"},
      {"default", "{\"value\":[\"a\"]}",
       "transform \"default\", argument \"value\": must be a constant, not a list"},
      {"default", "[null]",
       "transform \"default\": an argument must be a text, a number, true or false"},
      {"default", "{\"value\":{}}",
       "transform \"default\": an argument must be a text, a number, true or false"},
      {"coalesce", "[]", "transform \"coalesce\" needs the argument \"columns\""},
      {"coalesce", "[1]",
       "transform \"coalesce\", argument \"columns\": must be a column; write a constant with "
       "default: '1'"},
      {"coalesce", "[[]]", "transform \"coalesce\": a column's path is empty"},
      {"round", "{\"places\":1,\"places\":2}",
       "transform \"round\", argument \"places\": is given twice"},
      {"round", "{", "transform \"round\": the arguments are not JSON"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(Problem(one.name, one.args), one.problem) << one.name << " " << one.args;
}

}  // namespace
}  // namespace penstock

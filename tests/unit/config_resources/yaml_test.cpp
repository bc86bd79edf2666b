#include "services/common/config/resource_yaml.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

std::string Json(std::string_view yaml) {
  std::vector<YamlProblem> problems;
  const std::vector<YamlValue> documents = ParseYaml(yaml, problems);
  if (!problems.empty()) return problems[0].message;
  return ToJson(documents.at(0)).value_or("no JSON");
}

TEST(ResourceYaml, FollowsTheCoreSchemaOfYaml12) {
  EXPECT_EQ(Json("[no, yes, on, off, y]"), R"(["no","yes","on","off","y"])");
  EXPECT_EQ(Json("[true, False, TRUE]"), "[true,false,true]");
  EXPECT_EQ(Json("[null, ~, ]"), "[null,null]");
  EXPECT_EQ(Json("[1, -2, +3, 007, 0x1F, 0o17]"), "[1,-2,3,7,31,15]");
  EXPECT_EQ(Json("[.5, 1., 1e3, -0.0, 00.5]"), "[0.5,1.0,1e3,-0.0,0.5]");
  EXPECT_EQ(Json("['1', \"true\", 1_000, 1:30, 2026-03-29]"),
            R"(["1","true","1_000","1:30","2026-03-29"])");
}

TEST(ResourceYaml, KeepsAllDigitsOfNumbers) {
  EXPECT_EQ(Json("[12345678901234567890123, 0.1000000000000000000001]"),
            "[12345678901234567890123,0.1000000000000000000001]");
}

TEST(ResourceYaml, HasNoJsonForInfinities) {
  EXPECT_EQ(Json("[-.inf]"), "no JSON");
}

TEST(ResourceYaml, ReadsSeveralDocumentsAndLeavesOutEmptyOnes) {
  std::vector<YamlProblem> problems;
  EXPECT_EQ(ParseYaml("---\na: 1\n---\n# nothing\n---\nb: 2\n", problems).size(), 2u);
  EXPECT_TRUE(problems.empty());
}

TEST(ResourceYaml, RefusesWhatIsNotTextWithItsLine) {
  std::vector<YamlProblem> problems;
  ParseYaml("a: 1\nb: caf\xe9\n", problems);
  ParseYaml("a: 1\n\nb: \"x\\0y\"\n", problems);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].line, 2);
  EXPECT_EQ(problems[0].message, "the file is not UTF-8; save it as UTF-8");
  EXPECT_EQ(problems[1].line, 3);
  EXPECT_EQ(problems[1].message, "a text holds the character NUL, which nothing can store");
}

TEST(ResourceYaml, RefusesAliases) {
  EXPECT_EQ(Json("a: &x [1]\nb: *x\n"), "aliases (*name) are not supported; write the value out");
}

TEST(ResourceYaml, RefusesTagsThatAreNotText) {
  EXPECT_EQ(Json("a: !!str 12"), R"({"a":"12"})");
  EXPECT_EQ(Json("a: !!binary aGk="),
            "the tag tag:yaml.org,2002:binary is not supported; leave it out");
}

TEST(ResourceYaml, RefusesDepthBeyondItsBound) {
  EXPECT_EQ(Json(std::string(65, '[') + std::string(65, ']')), "nested over 64 levels deep");
  EXPECT_EQ(Json(std::string(64, '[') + std::string(64, ']')),
            std::string(64, '[') + std::string(64, ']'));
}

TEST(ResourceYaml, RefusesMoreValuesThanItsBound) {
  std::string yaml = "[";
  for (int i = 0; i < 200'001; ++i) yaml += "1,";
  EXPECT_EQ(Json(yaml + "]"), "over 200000 values in one document; split the file");
}

TEST(ResourceYaml, ReportsDuplicateKeysWithTheLineOfTheSecond) {
  std::vector<YamlProblem> problems;
  ParseYaml("a: 1\nb: 2\na: 3\n", problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].line, 3);
  EXPECT_EQ(problems[0].message, "\"a\" is given twice");
}

TEST(ResourceYaml, SaysThatACronExpressionIsQuoted) {
  EXPECT_EQ(Json("a: 1\nschedule:\n  cron: * * * * *\n"),
            "alias not found after *; a text that begins with * must be in quotes");
  EXPECT_EQ(Json("schedule: {cron: @daily}\n"),
            "unknown token; a text that begins with @ must be in quotes");
  EXPECT_THAT(Json("cron: */15 * * * *"),
              testing::EndsWith("; a text that begins with * must be in quotes"));
}

TEST(ResourceYaml, ReportsBrokenYamlWithItsLine) {
  std::vector<YamlProblem> problems;
  ParseYaml("a: 1\nb: [1, 2\n", problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_GE(problems[0].line, 2);
}

}  // namespace
}  // namespace penstock

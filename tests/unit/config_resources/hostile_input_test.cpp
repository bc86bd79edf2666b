#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "tests/unit/config_resources/messages.h"

// Files that were written to hurt: they are refused in words, at once, and cost no memory.
namespace penstock {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr size_t kMegabyte = 1 << 20;

std::string Repeat(std::string_view text, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  return out;
}

std::string SyncWithField(const std::string& field) {
  return "apiVersion: penstock.dev/v1\nkind: Sync\nmetadata: {name: s}\nspec:\n  mapping:\n    "
         "a: " +
         field + "\n";
}

TEST(HostileInput, ALaughingAliasIsRefusedAtItsFirstUse) {
  EXPECT_THAT(Messages("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b]\n"),
              ElementsAre("f.yaml:2: aliases (*name) are not supported; write the value out"));
}

TEST(HostileInput, AMegabyteOfAnyOneSignIsRefused) {
  for (const char* text : {"[", "{", "{a: ", "- ", "? ", "!", "&a ", "*a ", "|", "#\n", "---\n",
                           ": ", "\t", "%a\n", "@"}) {
    const std::string yaml = Repeat(text, kMegabyte);
    EXPECT_THAT(Messages(yaml), SizeIs(testing::Le(1u))) << text;
  }
}

TEST(HostileInput, AResourceOfTenThousandMistakesNamesThemAll) {
  std::string yaml = SyncWithField("b");
  for (int i = 0; i < 10'000; ++i) yaml += "    f" + std::to_string(i) + ": 5\n";
  EXPECT_THAT(Messages(yaml), SizeIs(testing::Ge(10'000u)));
}

TEST(HostileInput, NamesAreLettersOfTheirAlphabetAlone) {
  const auto named = [](const std::string& name) {
    return Messages("apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: \"" + name +
                    "\"}\nspec: {connector: postgres}\n");
  };
  for (const char* name : {"a\\e[31m", "a\\nb", "\\u202Ea", "a\\u200B", "..", "a/b", "'; --"})
    EXPECT_THAT(named(name), ElementsAre(AllOf(HasSubstr("f.yaml:3: metadata.name: \""),
                                               HasSubstr("is no valid name"))));
  EXPECT_THAT(named("a\\0b"),
              Contains("f.yaml:3: a text holds the character NUL, which nothing can store"));
  EXPECT_THAT(named(std::string(kMegabyte, 'a')), ElementsAre(HasSubstr("is no valid name")));
}

TEST(HostileInput, TemplatesDoNotNest) {
  const auto told = [](const std::string& text) {
    return Messages(SyncWithField("{template: \"" + text + "\"}"));
  };
  const auto of_template = Contains(HasSubstr("f.yaml:6: spec.mapping.a.template: "));
  EXPECT_THAT(told("{{ a | {{ b }} }}"), of_template);
  EXPECT_THAT(told("{{ {{ {{ a }} }} }}"), of_template);
  EXPECT_THAT(told(Repeat("{{", kMegabyte)), of_template);
  EXPECT_THAT(told(Repeat("{{ a }}", kMegabyte)), of_template);
}

}  // namespace
}  // namespace penstock

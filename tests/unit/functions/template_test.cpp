#include "services/common/functions/template.h"

#include <gmock/gmock.h>

namespace penstock {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Problems(std::string_view text) {
  std::vector<std::string> problems;
  ParseTemplate(text, problems);
  return problems;
}

// Parts one after the other: 'text', column.path|filter.
std::string Shape(std::string_view text) {
  std::vector<std::string> problems;
  std::string out;
  for (const TemplatePart& part : ParseTemplate(text, problems)) {
    if (!out.empty()) out += ' ';
    if (const auto* plain = std::get_if<std::string>(&part)) {
      out += "'" + *plain + "'";
      continue;
    }
    const auto& expression = std::get<TemplateExpression>(part);
    if (const auto* column = std::get_if<ColumnPath>(&expression.operand)) {
      out += column->column;
      for (const std::string& key : column->path) out += "/" + key;
    } else {
      out += "=" + std::get<Literal>(expression.operand).text;
    }
    for (const BoundFunction& filter : expression.filters)
      out += "|" + std::string(filter.function->name);
  }
  EXPECT_THAT(problems, IsEmpty());
  return out;
}

TEST(Template, HasTextsAndExpressions) {
  EXPECT_EQ(Shape("Hello {{ first_name | default: 'there' }}!"), "'Hello ' first_name|default '!'");
  EXPECT_EQ(Shape("{{a}}{{b}}"), "a b");
  EXPECT_EQ(Shape("no column"), "'no column'");
  EXPECT_EQ(Shape("{ a } }} %}"), "'{ a } }} %}'");
  EXPECT_EQ(Shape("{{ '}}' }}{{ \"it's {{\" }}"), "=}} =it's {{");
  EXPECT_EQ(Shape("{{ 12 }}{{ -0.50 }}"), "=12 =-0.50");
  EXPECT_EQ(Shape("{{\n  größe |\ttrim|upper\n}}"), "größe|trim|upper");
}

TEST(Template, HasColumnsWithPaths) {
  EXPECT_EQ(Shape("{{ attrs.plan.0 }}"), "attrs/plan/0");
  EXPECT_EQ(Shape("{{ attrs[\"a.b\"][0].c }}"), "attrs/a.b/0/c");
  EXPECT_EQ(Shape("{{ ['First Name']['x'] }}"), "First Name/x");
  EXPECT_EQ(Shape("{{ ['7days'] | round: places: 1 }}"), "7days|round");
}

TEST(Template, SaysWhereItIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"Hi {{ name", "at character 4: {{ has no }}"},
      {"Hi {{", "at character 6: {{ has no }}"},
      {"{{ }}", "at character 4: a column, a number or a text in quotes is expected here"},
      {"ä {{ 'a }}", "at character 6: the text's quote is not closed"},
      {"{{ a b }}", "at character 6: \"|\" and a filter, or }}, is expected here"},
      {"{{ a | }}", "at character 8: a filter's name is expected here"},
      {"{{ a | upcase }}", "at character 8: there is no filter \"upcase\""},
      {"{{ a | uper }}", "at character 8: there is no filter \"uper\" (did you mean \"upper\"?)"},
      {"{{ a | default('b') }}",
       "at character 15: arguments stand after a colon, as default: 'there'"},
      {"{{ a | default }}", "at character 8: filter \"default\" needs the argument \"value\""},
      {"{{ a | default: b }}",
       "at character 8: filter \"default\", argument \"value\": must be a constant, not the column "
       "b; write a text in quotes, and coalesce for another column"},
      {"{{ a | coalesce: 'b' }}",
       "at character 8: filter \"coalesce\", argument \"columns\": must be a column; write a "
       "constant with default: 'b'"},
      {"{{ a | round: 1, 2 }}", "at character 8: filter \"round\" takes at most 1: places"},
      {"{{ a | upper: 1 }}", "at character 8: filter \"upper\" takes no argument"},
      {"{{ a | round: plces: 2 }}",
       "at character 8: filter \"round\" has no argument \"plces\" (did you mean \"places\"?)"},
      {"{{ a | round: , }}",
       "at character 15: a column, a number or a text in quotes is expected here"},
      {"{{ 01 }}",
       "at character 4: this is no number; write a column whose name begins so as "
       "[\"name\"]"},
      {"{{ 7days }}",
       "at character 4: this is no number; write a column whose name begins so as "
       "[\"name\"]"},
      {"{{ a[b] }}", "at character 5: [ is followed by a name in quotes and ]"},
      {"{{ a. }}", "at character 6: a name is expected here"},
      {"{% if a %}b{% endif %}",
       "at character 1: tags {% … %} are not supported; a template has columns in {{ … }} alone"},
      {"{{ {{ a }} }}", "at character 4: a column, a number or a text in quotes is expected here"},
  };
  for (const auto& [text, problem] : cases)
    EXPECT_THAT(Problems(text), ElementsAre(problem)) << text;
}

TEST(Template, TellsAllThatIsWrongAtOnce) {
  EXPECT_THAT(
      Problems("{{ a | x }} {{ }} {{ b | round: 'a' }}"),
      ElementsAre(HasSubstr("at character 8: there is no filter \"x\""),
                  HasSubstr("at character 16: a column"),
                  HasSubstr("at character 26: filter \"round\", argument \"places\": must be "
                            "a whole number from -1000 to 1000")));
}

TEST(Template, IsBounded) {
  EXPECT_THAT(Problems(std::string(17'000, '{')),
              ElementsAre("has 17000 bytes, and at most 16384 are taken"));
  EXPECT_EQ(Problems(std::string(16'000, '{')).size(), 1u);
  std::string deep = "{{ a";
  for (int i = 0; i < 2'000; ++i) deep += "[0]";
  EXPECT_THAT(Problems(deep + " }}"), IsEmpty());
  std::string long_chain = "{{ a";
  for (int i = 0; i < 2'000; ++i) long_chain += "|trim";
  EXPECT_THAT(Problems(long_chain + " }}"), IsEmpty());
}

}  // namespace
}  // namespace penstock

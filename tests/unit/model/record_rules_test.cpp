#include "services/common/model/record_rules.h"

#include <gmock/gmock.h>

#include <fstream>
#include <string>
#include <vector>

namespace penstock {
namespace {

std::string ModesOf(Operation operation) {
  if (operation == Operation::kRemove) return "a removal";
  std::string out;
  for (const Mode mode :
       {Mode::kUpsert, Mode::kMirror, Mode::kUpdate, Mode::kInsert, Mode::kAppend}) {
    if (OperationFor(mode) == operation)
      out += (out.empty() ? "`" : ", `") + std::string(Name(mode)) + "`";
  }
  return out;
}

std::string OutcomeText(const RecordRule& rule) {
  constexpr const char* kReasons[] = {"", ": not found", ": exists"};
  return std::string(Name(rule.outcome)) + kReasons[static_cast<size_t>(rule.skip)];
}

std::string TriedAgain(const RecordRule& rule) {
  if (rule.deferred) return "after 1 h, then twice as long, up to a day";
  return rule.entry == EntryAfter::kInDoubt ? "by the next run" : "–";
}

std::vector<std::string> RowsOfRules() {
  constexpr const char* kWords[] = {"taken",     "it was so already", "exists",
                                    "not found", "refused",           "nothing"};
  constexpr const char* kHeld[] = {"the row", "nothing", "what they held before",
                                   "the row, in doubt"};
  std::vector<std::string> rows;
  for (const OperationRules& rules : kRecordRules) {
    for (size_t reply = 0; reply < kReplies; ++reply) {
      const RecordRule& rule = rules.by_reply[reply];
      rows.push_back("| " + ModesOf(rules.operation) + " | " + kWords[reply] + " | " +
                     OutcomeText(rule) + " | " + kHeld[static_cast<size_t>(rule.entry)] + " | " +
                     TriedAgain(rule) + " |");
    }
  }
  return rows;
}

TEST(ModesPage, ShowsTheRulesOfEachModeAndAnswer) {
  std::ifstream page(PENSTOCK_SOURCE_DIR "/docs/modes.md");
  ASSERT_TRUE(page.is_open());
  std::vector<std::string> listed;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (in_table && line.starts_with("| ")) listed.push_back(line);
    if (line.starts_with("| mode | the destination says"))
      in_table = std::getline(page, line).good();
  }
  EXPECT_THAT(listed, ::testing::ElementsAreArray(RowsOfRules()));
}

TEST(RecordRules, AnOutcomeLeadsBackToWhatItLeaves) {
  for (const OperationRules& rules : kRecordRules) {
    for (const RecordRule& rule : rules.by_reply) {
      const RecordRule* behind = RuleBehind(rules.operation, PackOutcome(rule.outcome, rule.skip));
      ASSERT_NE(behind, nullptr);
      EXPECT_EQ(behind->entry, rule.entry) << "two replies of one outcome leave the same";
      EXPECT_EQ(behind->deferred, rule.deferred);
    }
  }
  EXPECT_EQ(RuleBehind(Operation::kUpsert, PackOutcome(Outcome::kPending)), nullptr);
  EXPECT_EQ(RuleBehind(Operation::kUpdate, PackOutcome(Outcome::kSkipped, SkipReason::kExists)),
            nullptr);
}

}  // namespace
}  // namespace penstock

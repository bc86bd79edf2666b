#include "cli/command_line.h"

#include <gmock/gmock.h>

#include "cli/complete.h"
#include "cli/reference.h"
#include "services/common/core/file.h"

namespace penstock::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

CommandInfo Tree() {
  return DescribeCommand(CommandLine().app());
}

TEST(CommandLine, EveryVerbHasAnExampleOfItself) {
  const CommandInfo tree = Tree();
  ASSERT_GT(tree.commands.size(), 20u);
  for (const CommandInfo& command : tree.commands)
    EXPECT_THAT(command.example, HasSubstr("penstock " + command.name));
}

TEST(CommandLine, EveryOptionHasAMeaning) {
  for (const CommandInfo& command : Tree().commands) {
    for (const OptionInfo& option : command.options)
      EXPECT_FALSE(option.help.empty()) << command.name << " " << option.names.front();
  }
}

TEST(CommandLine, ItsReferenceIsCurrent) {
  const std::optional<std::string> page = ReadWholeFile(PENSTOCK_SOURCE_DIR "/docs/cli.md");
  ASSERT_TRUE(page.has_value());
  EXPECT_TRUE(page->ends_with("## Reference\n\n" + MarkdownReference(Tree())))
      << "write what `penstock reference markdown` prints below \"## Reference\" in docs/cli.md";
}

std::vector<std::string> Completed(const std::vector<std::string>& words) {
  return Complete(Tree(), words, [](const std::string& kind) {
    return std::vector<std::string>{"a-" + kind, "b-" + kind};
  });
}

TEST(Completion, KnowsVerbsOptionsAndChoices) {
  EXPECT_THAT(Completed({"tri"}), ElementsAre("trigger"));
  EXPECT_THAT(Completed({"-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(Completed({"--server", "x:1", "val"}), ElementsAre("validate"));
  EXPECT_THAT(Completed({"trigger", "--fu"}), ElementsAre("--full-resync"));
  EXPECT_THAT(Completed({"trigger", "--"}), IsSupersetOf({"--wait", "--server", "--help"}));
  EXPECT_THAT(Completed({"trigger", "--overlap", ""}), ElementsAre("queue", "refuse"));
  EXPECT_THAT(Completed({"get", "s"}), ElementsAre("source", "sync"));
  EXPECT_THAT(Completed({"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(Completed({"nonsense", ""}), Not(IsEmpty()));
}

TEST(Completion, AsksForTheNamesOfWhatIsMeant) {
  EXPECT_THAT(Completed({"trigger", "a"}), ElementsAre("a-Sync"));
  EXPECT_THAT(Completed({"watch", "--timeout", "5m", ""}), ElementsAre("a-Sync", "b-Sync"));
  EXPECT_THAT(Completed({"get", "models", ""}), ElementsAre("a-Model", "b-Model"));
  EXPECT_THAT(Completed({"delete", "model", "x", "y", "b"}), ElementsAre("b-Model"));
  EXPECT_THAT(Completed({"connectors", "a"}), ElementsAre("a-Connector"));
  EXPECT_THAT(Completed({"get", "nothing", ""}), IsEmpty());
}

TEST(Completion, LeavesFilesToTheShell) {
  EXPECT_THAT(Completed({"apply", "-f", ""}), IsEmpty());
  EXPECT_THAT(Completed({}), Not(IsEmpty()));
}

}  // namespace
}  // namespace penstock::cli

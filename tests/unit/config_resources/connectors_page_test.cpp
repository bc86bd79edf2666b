#include <gmock/gmock.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/config_resources/messages.h"

// The manifests of docs/connectors.md are read and checked as those of users are.
namespace penstock {
namespace {

struct Block {
  int line = 0;
  std::string yaml;
};

std::vector<Block> YamlBlocks(const std::string& file) {
  std::ifstream in(file);
  std::vector<Block> blocks;
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!inside && line == "```yaml") {
      inside = true;
      blocks.push_back({number, ""});
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().yaml += line + "\n";
    }
  }
  return blocks;
}

TEST(ConnectorsPage, ItsManifestsAreValid) {
  const std::vector<Block> blocks = YamlBlocks(PENSTOCK_SOURCE_DIR "/docs/connectors.md");
  ASSERT_GE(blocks.size(), 9u);
  for (const Block& block : blocks)
    EXPECT_THAT(Messages(block.yaml), testing::IsEmpty())
        << "docs/connectors.md, the block at line " << block.line;
}

}  // namespace
}  // namespace penstock

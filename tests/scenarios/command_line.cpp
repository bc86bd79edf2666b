#include "tests/scenarios/command_line.h"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "fmt/format.h"
#include "services/common/testing/child_process.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::scenario {

namespace {

void WriteFiles(const std::filesystem::path& dir, const YAML::Node& files) {
  std::filesystem::create_directory(dir);
  for (const auto& file : files)
    std::ofstream(dir / file.first.as<std::string>()) << file.second.as<std::string>();
}

}  // namespace

void CommandLine(World& world, const YAML::Node& node) {
  OnlyFields(node, {"run", "exits", "says", "interrupt", "files"});
  const testing::TempDir dir("cli");
  const auto said = [&] { return testing::ReadFile(dir / "said"); };
  testing::ChildProcess::Options options{
      .args = {PENSTOCK_BINARIES "/penstock", "--server", world.cluster.planner_address()},
      .out = dir / "said"};
  if (node["files"]) WriteFiles(dir / "files", node["files"]);
  std::istringstream arguments(node["run"].as<std::string>());
  for (std::string argument; arguments >> argument;)
    options.args.push_back(argument == "${dir}" ? (dir / "files").string() : argument);
  testing::ChildProcess process(options);
  if (const YAML::Node text = node["interrupt"]) {
    Await([&] { return said().find(text.as<std::string>()) != std::string::npos; },
          [&] { return fmt::format("\"{}\" in: {}", text.as<std::string>(), said()); });
    process.Signal(SIGINT);
  }
  const std::optional<int> code = process.Wait();
  const int wanted = node["exits"] ? node["exits"].as<int>() : 0;
  if (code != wanted)
    throw Failure(fmt::format("exits with {}, not {}: {}", code.value_or(-1), wanted, said()));
  if (!node["says"]) return;
  const YAML::Node says = node["says"];
  const auto texts =
      says.IsScalar() ? std::vector{says.as<std::string>()} : says.as<std::vector<std::string>>();
  for (const std::string& text : texts) {
    if (said().find(text) == std::string::npos)
      throw Failure(fmt::format("doesn't say \"{}\" but: {}", text, said()));
  }
}

}  // namespace penstock::scenario

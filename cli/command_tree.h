#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

// The verbs and options of a command line as plain data, for whoever completes or documents them.
namespace penstock::cli {

struct OptionInfo {
  std::vector<std::string> names;  // "-f", "--file"; of a positional its name alone
  bool positional = false;
  bool required = false;
  bool repeated = false;
  std::string value;                 // what is given: "PATH"; empty: a flag
  std::vector<std::string> choices;  // of the value; empty: any
  std::string default_value;
  std::string variable;  // of the environment
  std::string help;

  // Positional, or takes what follows it.
  bool TakesValue() const { return !value.empty(); }
};

struct CommandInfo {
  std::string name;
  std::string help;
  std::string example;
  std::vector<OptionInfo> options;
  std::vector<CommandInfo> commands;

  // nullptr: it has none.
  const CommandInfo* FindCommand(std::string_view wanted) const;
  const OptionInfo* FindOption(std::string_view wanted) const;
  std::vector<const OptionInfo*> Positionals() const;
};

// Hidden verbs left out.
CommandInfo DescribeCommand(const CLI::App& app);

}  // namespace penstock::cli

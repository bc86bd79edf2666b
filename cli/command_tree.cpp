#include "cli/command_tree.h"

#include <algorithm>

namespace penstock::cli {
namespace {

// "TEXT:{queue,refuse}" -> queue, refuse.
std::vector<std::string> ChoicesIn(const std::string& type) {
  std::vector<std::string> choices;
  const size_t open = type.find('{');
  const size_t close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string rest = type.substr(open + 1, close - open - 1) + ",";
  for (size_t comma = rest.find(','); comma != std::string::npos; comma = rest.find(',')) {
    choices.push_back(rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  return choices;
}

std::string Join(const std::vector<std::string>& words, std::string_view with) {
  std::string out;
  for (const std::string& word : words) (out += out.empty() ? "" : with) += word;
  return out;
}

OptionInfo DescribeOption(const CLI::Option& option) {
  OptionInfo info;
  info.positional = option.get_positional();
  if (info.positional) {
    info.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  }
  info.required = option.get_required();
  info.repeated = option.get_items_expected_max() > 1;
  const std::string type = option.get_type_name();
  if (option.get_items_expected_min() > 0 || info.positional) {
    info.choices = ChoicesIn(type);
    info.value = info.choices.empty() ? type.substr(0, type.find(':')) : Join(info.choices, "|");
  }
  info.default_value = option.get_default_str();
  info.variable = option.get_envname();
  info.help = option.get_description();
  return info;
}

std::string ExampleIn(const std::string& footer) {
  const size_t at = footer.find("\n  ");
  return at == std::string::npos ? "" : footer.substr(at + 3);
}

}  // namespace

const CommandInfo* CommandInfo::FindCommand(std::string_view wanted) const {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const CommandInfo& c) { return c.name == wanted; });
  return found == commands.end() ? nullptr : &*found;
}

const OptionInfo* CommandInfo::FindOption(std::string_view wanted) const {
  const auto found = std::find_if(options.begin(), options.end(), [&](const OptionInfo& o) {
    return !o.positional && std::find(o.names.begin(), o.names.end(), wanted) != o.names.end();
  });
  return found == options.end() ? nullptr : &*found;
}

std::vector<const OptionInfo*> CommandInfo::Positionals() const {
  std::vector<const OptionInfo*> out;
  for (const OptionInfo& option : options) {
    if (option.positional) out.push_back(&option);
  }
  return out;
}

CommandInfo DescribeCommand(const CLI::App& app) {
  CommandInfo info{app.get_name(), app.get_description(), ExampleIn(app.get_footer()), {}, {}};
  for (const CLI::Option* option : app.get_options({}))
    info.options.push_back(DescribeOption(*option));
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) info.commands.push_back(DescribeCommand(*command));
  }
  return info;
}

}  // namespace penstock::cli

#include "cli/complete.h"

#include "cli/kinds.h"

namespace penstock::cli {
namespace {

// Follows the words of a command line up to the one that is being written.
class Line {
 public:
  Line(const CommandInfo& root, const std::vector<std::string>& words)
      : root_(root), command_(&root) {
    for (size_t i = 0; i + 1 < words.size(); ++i) Take(words[i]);
    if (!words.empty()) current_ = words.back();
  }

  std::vector<std::string> Candidates(const NamesOf& names_of) const {
    if (awaits_ != nullptr) return awaits_->choices;
    if (current_.starts_with('-')) return OptionNames();
    const std::vector<const OptionInfo*> positionals = command_->Positionals();
    if (given_.size() < positionals.size()) return Values(*positionals[given_.size()], names_of);
    if (!positionals.empty() && positionals.back()->repeated)
      return Values(*positionals.back(), names_of);
    return CommandNames();
  }
  const std::string& current() const { return current_; }

 private:
  void Take(const std::string& word) {
    if (awaits_ != nullptr) {
      awaits_ = nullptr;
    } else if (word.starts_with('-')) {
      const OptionInfo* option = command_->FindOption(word);
      if (option == nullptr) option = root_.FindOption(word);
      if (option != nullptr && option->TakesValue()) awaits_ = option;
    } else if (const CommandInfo* command = command_->FindCommand(word)) {
      command_ = command;
    } else {
      given_.push_back(word);
    }
  }

  std::vector<std::string> OptionNames() const {
    std::vector<std::string> out;
    const auto add = [&](const CommandInfo& command) {
      for (const OptionInfo& option : command.options) {
        if (!option.positional) out.insert(out.end(), option.names.begin(), option.names.end());
      }
    };
    add(*command_);
    if (command_ != &root_) add(root_);
    return out;
  }

  std::vector<std::string> CommandNames() const {
    std::vector<std::string> out;
    for (const CommandInfo& command : command_->commands) out.push_back(command.name);
    return out;
  }

  // What a positional names is said by its own name.
  std::vector<std::string> Values(const OptionInfo& positional, const NamesOf& names_of) const {
    const std::string& what = positional.names.front();
    if (!positional.choices.empty()) return positional.choices;
    if (what == "sync" || what == "run") return names_of("Sync");
    if (what == "connector") return names_of("Connector");
    if (what != "name" || given_.empty()) return {};
    const absl::StatusOr<std::string> kind = KindByName(given_.front());
    return kind.ok() ? names_of(*kind) : std::vector<std::string>();
  }

  const CommandInfo& root_;
  const CommandInfo* command_;
  const OptionInfo* awaits_ = nullptr;  // the option whose value comes next
  std::vector<std::string> given_;      // positionals
  std::string current_;
};

}  // namespace

std::vector<std::string> Complete(const CommandInfo& root, const std::vector<std::string>& words,
                                  const NamesOf& names_of) {
  const Line line(root, words);
  std::vector<std::string> out;
  std::vector<std::string> candidates = line.Candidates(names_of);
  for (std::string& candidate : candidates) {
    if (candidate.starts_with(line.current())) out.push_back(std::move(candidate));
  }
  return out;
}

}  // namespace penstock::cli

#include "cli/reference.h"

#include "fmt/format.h"

namespace penstock::cli {
namespace {

std::string Names(const OptionInfo& option) {
  std::string out;
  for (const std::string& name : option.names) out += (out.empty() ? "" : ", ") + name;
  return option.value.empty() ? out : out + " " + option.value;
}

// "penstock trigger [OPTIONS] sync"
std::string Usage(const CommandInfo& root, const CommandInfo& command) {
  std::string out = root.name + " " + command.name;
  for (const OptionInfo& option : command.options) {
    if (option.positional || !option.required) continue;
    out += fmt::format(" {} {}", option.names.front(), option.value);
  }
  out += " [OPTIONS]";
  for (const OptionInfo* positional : command.Positionals()) {
    const std::string name = positional->names.front() + (positional->repeated ? "…" : "");
    out += positional->required ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string Help(const OptionInfo& option) {
  std::string out = option.help;
  if (option.positional && !option.choices.empty()) out += ": " + option.value;
  if (!option.default_value.empty()) out += "; default: " + option.default_value;
  if (!option.variable.empty()) out += "; or " + option.variable;
  return out;
}

bool IsHelp(const OptionInfo& option) {
  return !option.positional && option.names.back() == "--help";
}

std::string TableCell(std::string text) {
  for (size_t at = text.find('|'); at != text.npos; at = text.find('|', at + 2))
    text.insert(at, "\\");
  return text;
}

std::string OptionTable(const CommandInfo& command) {
  std::string rows;
  for (const OptionInfo& option : command.options) {
    if (!IsHelp(option)) {
      const std::string name = option.positional ? option.names.front() : Names(option);
      rows += fmt::format("| `{}` | {} |\n", TableCell(name), TableCell(Help(option)));
    }
  }
  return rows.empty() ? rows : "| | |\n|---|---|\n" + rows + "\n";
}

// Text of a manual page: what begins a macro or an escape there must not.
std::string Escape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      out += "\\e";
    } else if (text.substr(i).starts_with("…")) {
      out += "...";
      i += std::string_view("…").size() - 1;
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

// An argument of a macro: quoted, so that none of its words is a macro itself.
std::string Argument(std::string_view text) {
  std::string out = "\"";
  for (const char c : Escape(text)) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string OptionList(const CommandInfo& command) {
  std::string out;
  for (const OptionInfo& option : command.options) {
    if (IsHelp(option)) continue;
    const std::string name = option.positional ? option.names.front() : Names(option);
    out += fmt::format(".It {}\n{}.\n", Argument(name), Escape(Help(option)));
  }
  return out.empty() ? out : ".Bl -tag -width Ds\n" + out + ".El\n";
}

constexpr std::string_view kEnd = R"(.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.config/penstock/config.yaml
The servers that
.Fl -context
names.
.El
.Sh EXIT STATUS
.Bl -tag -width 4n -compact
.It 0
done
.It 1
failed or cancelled
.It 2
wrong usage, or files with errors
.It 3
the run ended, but not everything was delivered
.It 4
no answer
.It 5
there are changes
.Pq Fl -detailed-exitcode
.It 6
the wait timed out; the run goes on
.It 130
detached by Ctrl-C; the run goes on
.El
)";

}  // namespace

std::string MarkdownReference(const CommandInfo& root) {
  std::string out = "Options of every verb:\n\n" + OptionTable(root);
  for (const CommandInfo& command : root.commands) {
    out += fmt::format("### penstock {}\n\n{}.\n\n", command.name, command.help);
    out += fmt::format("```text\n{}\n```\n\n", Usage(root, command));
    out += OptionTable(command);
    out += fmt::format("For example: `{}`\n\n", command.example);
  }
  out.pop_back();
  return out;
}

std::string ManualPage(const CommandInfo& root, const std::string& date) {
  std::string out = fmt::format(
      ".Dd {}\n.Dt PENSTOCK 1\n.Os\n.Sh NAME\n.Nm {}\n.Nd bring rows of a warehouse to the tools "
      "that need them\n.Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar options\n.Sh DESCRIPTION\n{}\nOptions "
      "of every verb:\n",
      date, root.name, Escape(root.help));
  out += OptionList(root) + ".Sh VERBS\n";
  for (const CommandInfo& command : root.commands) {
    out += fmt::format(".Ss {}\n", Escape(Usage(root, command)));
    out += fmt::format("{}.\n", Escape(command.help)) + OptionList(command);
    out += fmt::format(".Pp\nFor example:\n.Dl {}\n", Escape(command.example));
  }
  return out.append(kEnd);
}

}  // namespace penstock::cli

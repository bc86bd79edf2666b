#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "cli/complete.h"
#include "cli/output.h"
#include "cli/reference.h"
#include "cli/resource_list.h"
#include "cli/verbs.h"
#include "fmt/chrono.h"
#include "fmt/format.h"

// completion, and the hidden verbs that shells and the build ask: complete, reference.
namespace penstock::cli {
namespace {

// Nobody waits longer for a Tab.
constexpr std::chrono::seconds kPatience{1};

// Both ask the program, so that they know what it knows.
constexpr std::string_view kBash =
    R"(# bash completion of penstock: source <(penstock completion bash)
_penstock() {
  local IFS=$'\n' words
  words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null))
}
complete -o default -F _penstock penstock
)";
constexpr std::string_view kZsh = R"(#compdef penstock
# zsh completion of penstock: source <(penstock completion zsh)
_penstock() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n ${candidates[1]} ]]; then
    compadd -a candidates
  else
    _files
  fi
}
compdef _penstock penstock
)";

// A server that does not answer knows no names.
std::vector<std::string> NamesOfKind(Session& session, const std::string& kind) {
  std::vector<std::string> names;
  if (!session.Open().ok()) return names;
  const auto listed = ListResources(session, kind, {}, kPatience);
  if (!listed.ok()) return names;
  for (const Listed& one : *listed) names.push_back(MetadataOf(one.resource).name);
  return names;
}

// The day of the build, or the one that whoever wants the same bytes again says.
std::string Today() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  const std::time_t now = epoch != nullptr ? std::strtoll(epoch, nullptr, 10) : std::time(nullptr);
  return fmt::format("{:%B} {}, {:%Y}", fmt::gmtime(now), fmt::gmtime(now).tm_mday,
                     fmt::gmtime(now));
}

void Hide(CLI::App* verb) {
  verb->group("");
}

}  // namespace

void AddCompletionVerbs(Verbs& verbs) {
  const auto shell = std::make_shared<std::string>();
  verbs
      .Add("completion", "Print what completes penstock's command line in a shell",
           "source <(penstock completion bash)",
           [shell] {
             Print(*shell == "zsh" ? kZsh : kBash);
             return ExitCode::kDone;
           })
      ->add_option("shell", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));

  const auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* complete = verbs.Add("complete", "What the last word may become",
                                 "penstock complete -- trigger cust", [&verbs, words] {
                                   const CommandInfo root = DescribeCommand(verbs.app);
                                   const auto names_of = [&](const std::string& kind) {
                                     return NamesOfKind(verbs.session, kind);
                                   };
                                   for (const std::string& one : Complete(root, *words, names_of))
                                     fmt::print("{}\n", one);
                                   return ExitCode::kDone;
                                 });
  complete->add_option("word", *words, "The words so far");
  Hide(complete);

  const auto form = std::make_shared<std::string>();
  CLI::App* reference = verbs.Add(
      "reference", "Print all verbs and options", "penstock reference man", [&verbs, form] {
        const CommandInfo root = DescribeCommand(verbs.app);
        Print(*form == "man" ? ManualPage(root, Today()) : MarkdownReference(root));
        return ExitCode::kDone;
      });
  reference->add_option("form", *form, "As what")
      ->required()
      ->check(CLI::IsMember({"man", "markdown"}));
  Hide(reference);
}

}  // namespace penstock::cli

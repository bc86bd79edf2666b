#include "services/common/config/service_config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/config/service_file.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"
#include "services/common/core/version.h"

namespace penstock {
namespace {

constexpr std::string_view kPrefix = "PENSTOCK_";
constexpr std::string_view kWait = "wait";

std::string FieldName(std::string_view name) {
  std::string field(name);
  std::replace(field.begin(), field.end(), '-', '_');
  return field;
}

std::string VariableName(std::string_view name) {
  std::string variable = FieldName(name);
  for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return std::string(kPrefix) + variable;
}

}  // namespace

ServiceConfig::ServiceConfig(std::string_view program, std::string_view summary)
    : program_(program), summary_(summary) {
  Add("config", &file_, "YAML file with fields named as these options, with _ for -.");
}

void ServiceConfig::Bind(Option option) {
  options_.push_back(std::move(option));
}

void ServiceConfig::Choices(std::string_view name, std::vector<std::string> choices) {
  Find(name)->choices = std::move(choices);
}

ServiceConfig::Option* ServiceConfig::Find(std::string_view name) {
  auto found = std::find_if(options_.begin(), options_.end(),
                            [&](const Option& option) { return option.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

absl::Status ServiceConfig::Assign(Option& option, std::string_view value,
                                   std::string_view source) {
  if (!option.choices.empty() &&
      std::find(option.choices.begin(), option.choices.end(), value) == option.choices.end()) {
    return Error(
        ErrorCode::kINVALID_CONFIGURATION,
        fmt::format("{}: \"{}\" is not one of {}", source, value, fmt::join(option.choices, ", ")));
  }
  absl::Status status = option.assign(value);
  if (status.ok()) return status;
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("{}: {}", source, Std(status.message())));
}

absl::Status ServiceConfig::Unknown(std::string_view what, std::string_view name,
                                    const std::vector<std::string>& known) const {
  std::vector<std::string_view> candidates(known.begin(), known.end());
  return Error(ErrorCode::kINVALID_CONFIGURATION,
               fmt::format("{} \"{}\"{}", what, name, DidYouMean(name, candidates)));
}

absl::Status ServiceConfig::ReadFile(const std::string& path) {
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<ServiceField> fields, ReadServiceFile(path));
  for (const ServiceField& field : fields) {
    std::string source = fmt::format("{}:{}: {}", path, field.line, field.name);
    std::string name = field.name;
    std::replace(name.begin(), name.end(), '_', '-');
    Option* option = Find(name);
    if (option == nullptr || name == "config" || FieldName(name) != field.name) {
      std::vector<std::string> known;
      known.reserve(options_.size());
      for (const Option& other : options_) known.push_back(FieldName(other.name));
      return Unknown(fmt::format("{}:{}: unknown field", path, field.line), field.name, known);
    }
    if (field.is_list && !option->is_list) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("{}: a list where one value belongs", source));
    }
    PENSTOCK_RETURN_IF_ERROR(Assign(*option, field.value, source));
  }
  return absl::OkStatus();
}

absl::Status ServiceConfig::ReadEnvironment(const Environment& environment, Outcome& outcome) {
  std::vector<std::string> known;
  for (Option& option : options_) {
    known.push_back(VariableName(option.name));
    auto found = environment.find(known.back());
    if (found == environment.end() || option.name == "config") continue;
    PENSTOCK_RETURN_IF_ERROR(
        Assign(option, found->second, fmt::format("environment variable {}", found->first)));
  }
  // Compared without the prefix, which would make all names look alike.
  std::vector<std::string_view> candidates;
  candidates.reserve(known.size());
  for (std::string_view name : known) candidates.push_back(name.substr(kPrefix.size()));
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix)) continue;
    std::string_view rest = std::string_view(name).substr(kPrefix.size());
    std::string_view nearest = NearestName(rest, candidates);
    if (nearest.empty() || nearest == rest) continue;
    outcome.warnings.push_back(fmt::format(
        "environment variable {} is ignored (did you mean \"{}{}\"?)", name, kPrefix, nearest));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ServiceConfig::Flag>> ServiceConfig::ParseFlags(
    std::span<const std::string> args) {
  std::vector<Flag> flags;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg == "-h" || arg == "--help" || arg == "--version") {
      flags.push_back({arg == "--version" ? "version" : "help", std::nullopt});
      continue;
    }
    if (!arg.starts_with("--")) {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("unexpected argument \"{}\"; options are --name=value", arg));
    }
    arg.remove_prefix(2);
    size_t equals = arg.find('=');
    std::string name(arg.substr(0, equals));
    const bool is_wait = name == kWait;
    const Option* option = is_wait ? nullptr : Find(name);
    if (option == nullptr && !is_wait) {
      std::vector<std::string> known;
      known.reserve(options_.size());
      for (const Option& other : options_) known.push_back("--" + other.name);
      return Unknown("unknown flag", "--" + name, known);
    }
    if (equals != arg.npos) {
      flags.push_back({name, std::string(arg.substr(equals + 1))});
    } else if (!is_wait && option->is_switch) {
      flags.push_back({name, "true"});
    } else if (i + 1 < args.size()) {
      flags.push_back({name, args[++i]});
    } else {
      return Error(ErrorCode::kINVALID_CONFIGURATION,
                   fmt::format("flag --{}: the value is missing ({})", name,
                               is_wait ? ServiceValue<Duration>::kType : option->type));
    }
  }
  return flags;
}

absl::StatusOr<ServiceConfig::Outcome> ServiceConfig::Load(std::span<const std::string> args,
                                                           const Environment& environment) {
  Outcome outcome;
  file_.clear();
  PENSTOCK_ASSIGN_OR_RETURN(std::vector<Flag> flags, ParseFlags(args));
  if (auto file = environment.find(VariableName("config")); file != environment.end())
    file_ = file->second;
  for (const Flag& flag : flags) {
    if (flag.name == "help") return Outcome{.run = false, .text = Help()};
    if (flag.name == "version")
      return Outcome{.run = false, .text = fmt::format("{} {}\n", program_, VersionText())};
    if (flag.name == kWait) {
      const absl::StatusOr<Duration> wait = ServiceValue<Duration>::Parse(*flag.value);
      if (!wait.ok()) {
        return Error(ErrorCode::kINVALID_CONFIGURATION,
                     fmt::format("flag --wait: {}", Std(wait.status().message())));
      }
      return Outcome{.run = false, .wait = *wait};
    }
    if (flag.name == "config") file_ = *flag.value;
  }
  if (!file_.empty()) PENSTOCK_RETURN_IF_ERROR(ReadFile(file_));
  PENSTOCK_RETURN_IF_ERROR(ReadEnvironment(environment, outcome));
  for (const Flag& flag : flags) {
    PENSTOCK_RETURN_IF_ERROR(
        Assign(*Find(flag.name), *flag.value, fmt::format("flag --{}", flag.name)));
  }
  return outcome;
}

std::optional<int> ServiceConfig::LoadForMain(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  Environment environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    std::string_view text = *variable;
    size_t equals = text.find('=');
    if (text.starts_with(kPrefix) && equals != text.npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  absl::StatusOr<Outcome> outcome = Load(args, environment);
  if (!outcome.ok()) {
    fmt::print(stderr, "{}: {}\n", program_, Std(outcome.status().message()));
    return 2;
  }
  for (const std::string& warning : outcome->warnings)
    fmt::print(stderr, "{}: {}\n", program_, warning);
  if (outcome->run) return std::nullopt;
  std::this_thread::sleep_for(outcome->wait);
  fmt::print("{}", outcome->text);
  return 0;
}

std::string ServiceConfig::Help() const {
  std::string out = fmt::format(
      "{}: {}\n\nEach option may be given as --name=value, as an environment variable "
      "PENSTOCK_<NAME> or as a\nfield of the file named by --config, in this order of "
      "precedence.\n\n",
      program_, summary_);
  for (const Option& option : options_) {
    out += fmt::format("  --{}={}\n      {}", option.name, option.type, option.help);
    if (!option.choices.empty()) out += fmt::format(" One of {}.", fmt::join(option.choices, ", "));
    if (!option.shown_default.empty()) out += fmt::format(" Default: {}.", option.shown_default);
    out += '\n';
  }
  return out +
         "  --help\n  --version\n  --wait=duration\n      Does nothing but wait so long and "
         "end with 0: for preStop hooks in images without a shell.\n";
}

}  // namespace penstock

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/config/service_value.h"

namespace penstock {

// The configuration of a service: fields of a plain struct, each bound once to a name from which
// the flag (--redis-url), the environment variable (PENSTOCK_REDIS_URL) and the field of the YAML
// file given by --config (redis_url) follow. A flag beats the environment, which beats the file,
// which beats the field's initial value.
//
//   ServiceConfig config("penstock-loader", "Sends batches to destinations.");
//   config.Add("listen", &settings.listen, "Address to serve gRPC on.");
//   if (std::optional<int> exit_code = config.LoadForMain(argc, argv)) return *exit_code;
class ServiceConfig {
 public:
  ServiceConfig(std::string_view program, std::string_view summary);

  // `target` holds the default and outlives this object. Types: see service_value.h.
  template <typename T>
  void Add(std::string_view name, T* target, std::string_view help) {
    using Value = ServiceValue<T>;
    Bind({.name = std::string(name),
          .type = Value::kType,
          .help = std::string(help),
          .shown_default = Value::Show(*target),
          .is_list = std::is_same_v<T, std::vector<std::string>>,
          .is_switch = std::is_same_v<T, bool>,
          .assign = [target](std::string_view text) -> absl::Status {
            auto value = Value::Parse(text);
            if (!value.ok()) return value.status();
            *target = *std::move(value);
            return absl::OkStatus();
          }});
  }
  // The value must be one of these texts (given or default).
  void Choices(std::string_view name, std::vector<std::string> choices);

  // What to do after reading the configuration: run, or wait, print `text` and end with exit code
  // 0.
  struct Outcome {
    bool run = true;
    std::string text;
    Duration wait{};
    // Environment variables that look like a mistyped option. Unknown ones are else ignored: the
    // environment belongs to others too (Kubernetes puts PENSTOCK_STATE_PORT there).
    std::vector<std::string> warnings;
  };
  using Environment = std::map<std::string, std::string>;

  // Reads all sources into the targets. INVALID_CONFIGURATION is one line that names the field, its
  // source and what is right; then the targets' content is undefined.
  absl::StatusOr<Outcome> Load(std::span<const std::string> args, const Environment& environment);

  // For main(): reads the process's arguments and environment, prints help, version, warnings and
  // errors. Returns the exit code with which to end, or nothing to run. 2 for a refused
  // configuration.
  std::optional<int> LoadForMain(int argc, char** argv);

  std::string Help() const;

 private:
  struct Option {
    std::string name;
    std::string_view type;
    std::string help;
    std::string shown_default;
    bool is_list = false;
    bool is_switch = false;
    std::function<absl::Status(std::string_view)> assign;
    std::vector<std::string> choices = {};
  };

  void Bind(Option option);
  Option* Find(std::string_view name);
  absl::Status Assign(Option& option, std::string_view value, std::string_view source);
  absl::Status Unknown(std::string_view what, std::string_view name,
                       const std::vector<std::string>& known) const;
  absl::Status ReadFile(const std::string& path);
  absl::Status ReadEnvironment(const Environment& environment, Outcome& outcome);
  struct Flag {
    std::string name;
    std::optional<std::string> value;
  };
  absl::StatusOr<std::vector<Flag>> ParseFlags(std::span<const std::string> args);

  std::string program_;
  std::string summary_;
  std::string file_;
  std::vector<Option> options_;
};

}  // namespace penstock

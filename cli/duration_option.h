#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>

#include "services/common/core/status.h"
#include "services/common/core/units.h"

namespace penstock::cli {

// An option that takes "30s" or "10m".
inline CLI::Option* AddDuration(CLI::App* app, const std::string& name,
                                std::chrono::milliseconds& out, const std::string& help) {
  return app
      ->add_option_function<std::string>(
          name,
          [&out](const std::string& text) {
            const absl::StatusOr<Duration> parsed = ParseDuration(text);
            if (!parsed.ok())
              throw CLI::ValidationError(std::string(Std(parsed.status().message())));
            out = std::chrono::duration_cast<std::chrono::milliseconds>(*parsed);
          },
          help)
      ->type_name("DURATION");
}

}  // namespace penstock::cli

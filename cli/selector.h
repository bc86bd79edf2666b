#pragma once

#include <google/protobuf/map.h>
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace penstock::cli {

using Labels = google::protobuf::Map<std::string, std::string>;

// -l label=value, which may be repeated.
CLI::Option* AddSelector(CLI::App* verb, std::vector<std::string>& labels, const std::string& help);

// "team=growth" -> {team: growth}. REQUIRES: each has passed the option's check.
Labels LabelsOf(const std::vector<std::string>& labels);

}  // namespace penstock::cli

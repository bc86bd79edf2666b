#pragma once

#include <google/protobuf/map.h>
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace penstock::cli {

using TextMap = google::protobuf::Map<std::string, std::string>;

// -l label=value, which may be repeated.
CLI::Option* AddSelector(CLI::App* verb, std::vector<std::string>& labels, const std::string& help);

// --key column=value, once for each column of the primary key.
CLI::Option* AddKey(CLI::App* verb, std::vector<std::string>& columns, const std::string& help);

// "team=growth" -> {team: growth}. REQUIRES: each has passed the option's check.
TextMap MapOf(const std::vector<std::string>& pairs);

}  // namespace penstock::cli

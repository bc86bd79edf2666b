#pragma once

#include <map>
#include <string>
#include <vector>

namespace penstock::testing {

inline const std::vector<std::string> kServices = {"planner", "state", "extractor", "loader"};

// What a service that was run to its end left.
struct ProgramEnd {
  int code;
  std::string err;
};

// Runs penstock-<service> on free ports of loopback with these options besides, which win.
ProgramEnd RunService(const std::string& service, std::map<std::string, std::string> options);

}  // namespace penstock::testing

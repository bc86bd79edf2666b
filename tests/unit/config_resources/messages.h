#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/common/config/builtin/builtin_connectors.h"
#include "services/common/config/resource_check.h"
#include "services/common/config/resource_reader.h"

namespace penstock {

// The errors of `yaml`, read as the file f.yaml and checked beside the built-in connectors.
inline std::vector<std::string> Messages(std::string_view yaml) {
  DeclaredResources declared;
  ReadResources("f.yaml", yaml, declared);
  CheckDeclared(declared, BuiltinConnectors());
  std::vector<std::string> messages;
  for (const ResourceError& error : declared.errors) messages.push_back(error.ToString());
  return messages;
}

// The only resource of `yaml`, which must be readable.
template <typename T>
T ReadOne(std::string_view yaml) {
  DeclaredResources declared;
  ReadResources("f.yaml", yaml, declared);
  for (const ResourceError& error : declared.errors) throw std::runtime_error(error.ToString());
  return std::get<T>(declared.resources.at(0));
}

}  // namespace penstock

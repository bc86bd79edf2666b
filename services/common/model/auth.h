#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "services/common/model/resources.h"

// How requests prove who sends them: the types of `auth`, and what each of them needs.
namespace penstock {

struct AuthField {
  std::string_view name;
  bool required = false;
  std::span<const std::string_view> choices = {};  // empty: any text; else the first is the default
};

struct AuthType {
  std::string_view name;
  std::span<const AuthField> fields;
};

std::span<const AuthType> AuthTypes();
// nullptr when there is no such type.
const AuthType* FindAuthType(std::string_view name);

// The auth that a Destination gives in place of its connector's: what is below "auth." in its
// config, without that prefix. Empty: the connector's holds.
Config OwnAuth(const Config& config);

}  // namespace penstock

#include "services/common/model/operation.h"

#include <array>
#include <utility>

namespace penstock {
namespace {

template <typename T, size_t N>
using Names = std::array<std::pair<T, std::string_view>, N>;

constexpr Names<Mode, 6> kModes{{{Mode::kUpsert, "upsert"},
                                 {Mode::kUpdate, "update"},
                                 {Mode::kInsert, "insert"},
                                 {Mode::kMirror, "mirror"},
                                 {Mode::kAppend, "append"},
                                 {Mode::kAudience, "audience"}}};
constexpr Names<Operation, 6> kOperations{{{Operation::kUpsert, "upsert"},
                                           {Operation::kUpdate, "update"},
                                           {Operation::kInsert, "insert"},
                                           {Operation::kRemove, "remove"},
                                           {Operation::kAppend, "append"},
                                           {Operation::kForget, "forget"}}};
constexpr Names<OnRemoved, 2> kOnRemoved{
    {{OnRemoved::kKeep, "keep"}, {OnRemoved::kDelete, "delete"}}};

template <typename T, size_t N>
std::string_view NameIn(const Names<T, N>& names, T value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "unknown";
}

template <typename T, size_t N>
std::optional<T> ByName(const Names<T, N>& names, std::string_view wanted) {
  for (const auto& [value, name] : names) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view Name(Mode mode) {
  return NameIn(kModes, mode);
}
std::string_view Name(Operation operation) {
  return NameIn(kOperations, operation);
}
std::string_view Name(OnRemoved on_removed) {
  return NameIn(kOnRemoved, on_removed);
}
std::optional<Mode> ModeByName(std::string_view name) {
  return ByName(kModes, name);
}
std::optional<Operation> OperationByName(std::string_view name) {
  return ByName(kOperations, name);
}

Operation OperationFor(Mode mode) {
  switch (mode) {
    case Mode::kUpdate:
      return Operation::kUpdate;
    case Mode::kInsert:
      return Operation::kInsert;
    case Mode::kAppend:
      return Operation::kAppend;
    case Mode::kUpsert:
    case Mode::kMirror:
    case Mode::kAudience:
      break;
  }
  return Operation::kUpsert;
}

}  // namespace penstock

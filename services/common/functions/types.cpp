#include "services/common/functions/types.h"

#include <vector>

namespace penstock {
namespace {

struct TypeName {
  Types type;
  std::string_view name;
};
constexpr TypeName kNames[] = {
    {types::kInteger, "an integer"},    {types::kNumber, "a number"},
    {types::kBoolean, "true or false"}, {types::kText, "a text"},
    {types::kDate, "a date"},           {types::kTimestamp, "a timestamp"},
    {types::kList, "a list"},           {types::kObject, "an object"},
};

}  // namespace

std::string Describe(Types set) {
  if (set == types::kAny) return "anything";
  if (set == types::kScalar) return "anything but a list or an object";
  if ((set & types::kNumber) != 0) set &= static_cast<Types>(~types::kInteger);
  std::vector<std::string_view> names;
  for (const TypeName& one : kNames) {
    if ((set & one.type) != 0) names.push_back(one.name);
  }
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

Types TypesOf(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return types::kNone;
    case Value::Kind::kInteger:
      return types::kInteger;
    case Value::Kind::kNumber:
      return types::kNumber;
    case Value::Kind::kBoolean:
      return types::kBoolean;
    case Value::Kind::kText:
      return types::kText;
    case Value::Kind::kJson:
      return value.text.starts_with('[') ? types::kList : types::kObject;
  }
  return types::kNone;
}

}  // namespace penstock

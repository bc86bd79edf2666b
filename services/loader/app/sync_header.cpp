#include "services/loader/app/sync_header.h"

#include <algorithm>

namespace penstock::loader {

std::vector<Operation> OperationsOf(const Sync& sync) {
  std::vector<Operation> out = {OperationFor(sync.mode)};
  if (sync.Removes()) out.push_back(Operation::kRemove);
  return out;
}

namespace {

// Which columns `columns: all` stands for is known when the model is read; one stands for them
// here.
std::vector<std::string> PathOf(const FieldMapping& field) {
  std::vector<std::string> path = field.path;
  if (std::holds_alternative<FieldMapping::AllColumns>(field.from)) path.emplace_back("*");
  return path;
}

}  // namespace

BatchHeader HeaderOf(const Sync& sync, const Connector& connector, Operation operation) {
  BatchHeader header{
      .operation = operation, .encoding = connector.encoding, .keeps_identity = sync.Removes()};
  std::vector<const FieldMapping*> identity;
  for (const std::string& name : sync.identity) {
    const auto field =
        std::find_if(sync.mapping.begin(), sync.mapping.end(),
                     [&](const FieldMapping& mapping) { return FieldName(mapping.path) == name; });
    if (field != sync.mapping.end()) identity.push_back(&*field);
  }
  if (operation == Operation::kRemove) {
    for (const FieldMapping* field : identity) {
      header.identity_fields.push_back(static_cast<uint16_t>(header.fields.size()));
      header.fields.push_back({.path = field->path});
    }
    return header;
  }
  for (const FieldMapping& field : sync.mapping) header.fields.push_back({.path = PathOf(field)});
  for (const FieldMapping* field : identity) {
    header.identity_fields.push_back(static_cast<uint16_t>(field - sync.mapping.data()));
  }
  return header;
}

}  // namespace penstock::loader

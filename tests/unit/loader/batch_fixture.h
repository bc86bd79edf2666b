#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/common/model/batch.h"
#include "services/loader/domain/template_context.h"

namespace penstock::loader::test {

using Row = std::vector<std::optional<std::string>>;  // slices, nullopt: left out

inline BatchHeader MakeHeader(std::vector<std::vector<std::string>> paths,
                              std::vector<uint16_t> identity,
                              Operation operation = Operation::kUpsert) {
  BatchHeader header;
  header.operation = operation;
  for (auto& path : paths) header.fields.push_back({std::move(path), 0});
  header.identity_fields = std::move(identity);
  return header;
}

inline Batch MakeBatch(const BatchHeader& header, const std::vector<Row>& rows) {
  BatchBuilder builder(header);
  uint64_t number = 1;
  for (const Row& row : rows) {
    builder.BeginRecord({{number, number}, number, 1, 0, {}}, std::to_string(number));
    ++number;
    for (const auto& value : row) value ? builder.AddValue(*value) : builder.AddAbsent();
  }
  return std::move(*Batch::Decode(builder.Finish({Uuid{}, 1, 1, 1})));
}

inline TemplateContext ContextOf(const BatchHeader& header) {
  TemplateContext context;
  context.object = "contacts";
  context.fields = header.fields;
  context.identity_fields = header.identity_fields;
  return context;
}

}  // namespace penstock::loader::test

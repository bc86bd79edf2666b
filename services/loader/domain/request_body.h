#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/common/model/resources.h"
#include "services/loader/domain/body_template.h"

namespace penstock::loader {

// A request's body as its manifest wants it written:
//
//   json     one JSON text
//   ndjson   the body is a record's line, or a list of its lines; of each line one JSON text
//   form     the body's members as name=value; a value is a scalar's characters ("" for null), of
//            {$each: record, $do: …} its JSON
//
// Immutable, thread-safe.
class RequestBody {
 public:
  // nullopt when `problems` were added. REQUIRES: request.body is not empty.
  static std::optional<RequestBody> Compile(const RequestTemplate& request,
                                            const TemplateContext& context,
                                            std::vector<std::string>& problems);

  // Appends the body. VALUE_NOT_REPRESENTABLE when a form's value is an object or a list.
  absl::Status Render(const RecordSet& set, std::string& out) const;

  std::string_view content_type() const;
  bool uses_index() const { return uses_index_; }
  bool single_record() const { return single_record_; }

 private:
  struct FormField {
    std::string name;  // encoded
    BodyTemplate value;
    bool is_list = false;  // of records: its JSON is the value
  };

  void Note(const BodyTemplate& part, bool in_each);
  bool AddField(std::string_view name, std::string_view json, bool is_list,
                const TemplateContext& context, std::vector<std::string>& problems);
  bool AddRecordFields(bool with_identity, const TemplateContext& context,
                       std::vector<std::string>& problems);
  bool CompileForm(std::string_view body, const TemplateContext& context,
                   std::vector<std::string>& problems);
  bool CompileLines(std::string_view body, const TemplateContext& context,
                    std::vector<std::string>& problems);
  void RenderLines(const RecordSet& set, std::string& out) const;
  absl::Status RenderForm(const RecordSet& set, std::string& out) const;

  BodyFormat format_ = BodyFormat::kJson;
  std::optional<BodyTemplate> template_;  // of json
  std::vector<BodyTemplate> lines_;       // of ndjson: those of a record
  std::vector<FormField> fields_;         // of form
  bool uses_index_ = false, single_record_ = false;
};

}  // namespace penstock::loader

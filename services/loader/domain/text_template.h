#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/loader/domain/template_context.h"

namespace penstock::loader {

// A path, a query's value, a header's value or a pointer of a manifest: text with ${config.x},
// ${options.x}, ${sync.object}, ${sync.identity}, and for requests of one record
// ${record.identity},
// ${record.identity.<field>}, ${record.fields.<field>}, ${record.resolved}, ${record.key}; words of
// records may be written without braces ($record.identity). $$ is a $.
class TextTemplate {
 public:
  enum class Use : uint8_t {
    kPath,    // values are percent-encoded, not empty, and no part of them is . or ..
    kQuery,   // values are percent-encoded
    kHeader,  // values must hold no control characters
    kPlain,   // values stand as they are
  };

  // nullopt when `problems` were added; `place` begins each ("path", "header X-Id").
  static std::optional<TextTemplate> Compile(std::string_view text, Use use, std::string_view place,
                                             const TemplateContext& context,
                                             std::vector<std::string>& problems);

  // VALUE_NOT_REPRESENTABLE when a value of the record has no place in a text: NULL, left out, an
  // object, control characters in a header, what would lead to another path.
  absl::StatusOr<std::string> Render(const RecordSet& set) const;

  bool single_record() const { return single_record_; }
  bool uses_resolved() const { return uses_resolved_; }

 private:
  enum class Value : uint8_t { kNone, kField, kResolved, kKey };
  struct Piece {
    std::string literal;  // before the value
    Value value = Value::kNone;
    uint16_t field = 0;
  };
  std::string Encode(std::string_view value) const;
  bool Fits(std::string_view value) const;
  // False: unknown word.
  bool AddWord(std::string_view word, const TemplateContext& context, std::string& literal);
  void AddValue(Value value, uint16_t field, std::string& literal);

  Use use_ = Use::kPlain;
  std::string place_;
  std::vector<Piece> pieces_;
  bool single_record_ = false, uses_resolved_ = false;
};

}  // namespace penstock::loader

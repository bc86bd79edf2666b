#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/loader/domain/template_context.h"

// A request's body in the manifest language (docs/connectors.md): a JSON tree in which strings that
// begin with $ stand for values. It is compiled once for a field table and then only splices
// slices, for the values of a batch are JSON texts already.
//
//   {$each: record, $do: …}     an array with one element per record of the request
//   {$case: $sync.identity, $of: {email: …}}   chosen when compiled; left out when nothing matches
//   $record.fields              an object of all fields, nested by their paths
//   $record.data                the same without the identity
//   $record.fields.<name>       one field
//   $record.identity[.<name>]   the identity; by name where it has several fields
//   $record.index               the record's number in its batch, as a string: a trace id
//   $record.resolved            what the operation's look-up found for it
//   $record.key                 its idempotency key
//   $sync.identity, $sync.object, $options.<name>, $config.<name>     constants
//   $$…                         a string that begins with $
//
// A field that is left out (on_null: omit) leaves out the member that holds it, and an object that
// has no member left by it.
namespace penstock::loader {

class BodyTemplate {
 public:
  // nullopt when `problems` were added, each with its place in the body.
  static std::optional<BodyTemplate> Compile(std::string_view json, const TemplateContext& context,
                                             std::vector<std::string>& problems);

  // Appends the body. Never fails: whatever can be wrong was found by Compile.
  void Render(const RecordSet& set, std::string& out) const;
  // As Render; false, and nothing is appended, when all of it is left out.
  bool TryRender(const RecordSet& set, std::string& out) const;

  bool uses_index() const { return uses_index_; }  // results may name records by it
  bool uses_resolved() const { return uses_resolved_; }
  bool single_record() const { return single_record_; }  // $record outside of $each

 private:
  friend class BodyCompiler;
  struct Node {
    enum class Kind : uint8_t { kLiteral, kObject, kArray, kEach, kField, kIndex, kResolved, kKey };
    Kind kind = Kind::kLiteral;
    uint16_t field = 0;
    std::string text;  // kLiteral: JSON
    std::string key;   // of an object's member: "name": with quotes and colon
    std::vector<Node> children;
  };
  static bool Write(const Node& node, const RecordSet& set, size_t position, std::string& out);
  static bool WriteObject(const Node& node, const RecordSet& set, size_t position,
                          std::string& out);

  Node root_;
  bool uses_index_ = false, uses_resolved_ = false, single_record_ = false;
};

}  // namespace penstock::loader

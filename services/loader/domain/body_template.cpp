#include "services/loader/domain/body_template.h"

#include <iterator>

#include "fmt/format.h"

namespace penstock::loader {

bool BodyTemplate::TryRender(const RecordSet& set, std::string& out) const {
  return Write(root_, set, 0, out);
}

void BodyTemplate::Render(const RecordSet& set, std::string& out) const {
  if (!TryRender(set, out)) out += root_.kind == Node::Kind::kObject ? "{}" : "null";
}

bool BodyTemplate::Write(const Node& node, const RecordSet& set, size_t position,
                         std::string& out) {
  switch (node.kind) {
    case Node::Kind::kLiteral:
      out += node.text;
      return true;
    case Node::Kind::kObject:
      return WriteObject(node, set, position, out);
    case Node::Kind::kArray: {
      out += '[';
      bool first = true;
      for (const Node& child : node.children) {
        const size_t mark = out.size();
        if (!first) out += ',';
        if (Write(child, set, position, out)) {
          first = false;
        } else {
          out.resize(mark);
        }
      }
      out += ']';
      return true;
    }
    case Node::Kind::kEach: {
      const Node& child = node.children.front();
      out += '[';
      for (size_t i = 0; i < set.records.size(); ++i) {
        if (i > 0) out += ',';
        if (!Write(child, set, i, out)) out += child.kind == Node::Kind::kObject ? "{}" : "null";
      }
      out += ']';
      return true;
    }
    case Node::Kind::kField: {
      const auto value = set.batch->value(set.records[position], node.field);
      if (!value) return false;
      out += *value;
      return true;
    }
    case Node::Kind::kIndex:
      fmt::format_to(std::back_inserter(out), "\"{}\"", set.records[position]);
      return true;
    case Node::Kind::kResolved:
      if (position >= set.resolved.size()) return false;
      out += set.resolved[position];
      return true;
    case Node::Kind::kKey:
      if (position >= set.keys.size()) return false;
      out.append("\"").append(set.keys[position]).append("\"");
      return true;
  }
  return false;
}

bool BodyTemplate::WriteObject(const Node& node, const RecordSet& set, size_t position,
                               std::string& out) {
  const size_t start = out.size();
  out += '{';
  bool first = true;
  for (const Node& child : node.children) {
    const size_t mark = out.size();
    if (!first) out += ',';
    out += child.key;
    if (Write(child, set, position, out)) {
      first = false;
    } else {
      out.resize(mark);
    }
  }
  if (first) {
    out.resize(start);
    return false;
  }
  out += '}';
  return true;
}

}  // namespace penstock::loader

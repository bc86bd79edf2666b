#include <algorithm>
#include <boost/json.hpp>

#include "fmt/format.h"
#include "services/loader/domain/body_template.h"

namespace penstock::loader {

namespace json = boost::json;

namespace {

std::string_view View(json::string_view s) {
  return {s.data(), s.size()};
}

std::string Quote(std::string_view text) {
  return json::serialize(json::value(json::string_view(text.data(), text.size())));
}

bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

// Turns the JSON tree of a manifest into nodes; parts without a value of a record become literals.
class BodyCompiler {
 public:
  using Node = BodyTemplate::Node;
  using Kind = Node::Kind;

  BodyCompiler(const TemplateContext& context, BodyTemplate& out,
               std::vector<std::string>& problems)
      : context_(context), out_(out), problems_(problems) {}

  std::optional<Node> Compile(const json::value& value, const std::string& place, bool in_each) {
    if (const auto* object = value.if_object()) return CompileObject(*object, place, in_each);
    if (const auto* array = value.if_array()) return CompileArray(*array, place, in_each);
    if (const auto* text = value.if_string(); text != nullptr && View(*text).starts_with('$')) {
      return CompileWord(View(*text), place, in_each);
    }
    return Literal(json::serialize(value));
  }

 private:
  static Node Literal(std::string text) {
    Node node;
    node.text = std::move(text);
    return node;
  }
  static Node Make(Kind kind) {
    Node node;
    node.kind = kind;
    return node;
  }
  std::optional<Node> Problem(const std::string& place, std::string_view what) {
    problems_.push_back(fmt::format("body{}: {}", place, what));
    return std::nullopt;
  }

  std::optional<Node> CompileObject(const json::object& object, const std::string& place,
                                    bool in_each) {
    if (object.contains("$each") || object.contains("$do")) {
      return CompileEach(object, place, in_each);
    }
    if (object.contains("$case") || object.contains("$of")) {
      return CompileCase(object, place, in_each);
    }
    Node node = Make(Kind::kObject);
    for (const auto& member : object) {
      const std::string_view name = View(member.key());
      const std::string at = fmt::format("{}/{}", place, name);
      if (name.starts_with('$') && !name.starts_with("$$")) {
        Problem(at, "unknown word; a name that begins with $ is written $$");
        continue;
      }
      std::optional<Node> child = Compile(member.value(), at, in_each);
      if (!child) continue;
      child->key = Quote(name.starts_with("$$") ? name.substr(1) : name) + ":";
      node.children.push_back(std::move(*child));
    }
    return Fold(std::move(node), '{', '}');
  }

  std::optional<Node> CompileArray(const json::array& array, const std::string& place,
                                   bool in_each) {
    Node node = Make(Kind::kArray);
    for (size_t i = 0; i < array.size(); ++i) {
      std::optional<Node> child = Compile(array[i], fmt::format("{}/{}", place, i), in_each);
      if (child) node.children.push_back(std::move(*child));
    }
    return Fold(std::move(node), '[', ']');
  }

  // A part in which every child is a literal is one.
  static Node Fold(Node node, char open, char close) {
    for (const Node& child : node.children) {
      if (child.kind != Kind::kLiteral) return node;
    }
    std::string text(1, open);
    for (const Node& child : node.children) {
      if (text.size() > 1) text += ',';
      text += child.key + child.text;
    }
    return Literal(text + close);
  }

  std::optional<Node> CompileEach(const json::object& object, const std::string& place,
                                  bool in_each) {
    const json::value* each = object.if_contains("$each");
    const json::value* body = object.if_contains("$do");
    if (each == nullptr || body == nullptr || object.size() != 2) {
      return Problem(place, "$each needs a $do beside it and nothing else");
    }
    if (!each->is_string() || each->get_string() != "record") {
      return Problem(place + "/$each", "only `record` can be gone through");
    }
    if (in_each) return Problem(place, "$each inside of $each");
    std::optional<Node> child = Compile(*body, place + "/$do", true);
    if (!child) return std::nullopt;
    Node node = Make(Kind::kEach);
    node.children.push_back(std::move(*child));
    return node;
  }

  // Chosen now, for only constants may be compared.
  std::optional<Node> CompileCase(const json::object& object, const std::string& place,
                                  bool in_each) {
    const json::value* word = object.if_contains("$case");
    const json::value* of = object.if_contains("$of");
    if (word == nullptr || of == nullptr || object.size() != 2 || !of->is_object() ||
        !word->is_string()) {
      return Problem(place, "$case needs a word, and an $of with its values beside it");
    }
    const size_t before = problems_.size();
    const std::optional<std::string> constant = Constant(View(word->get_string()));
    if (!constant) {
      return Problem(place + "/$case", "must be $sync.…, $options.… or $config.… that is set");
    }
    std::optional<Node> chosen;
    for (const auto& candidate : of->get_object()) {
      const std::string at = fmt::format("{}/$of/{}", place, View(candidate.key()));
      std::optional<Node> node = Compile(candidate.value(), at, in_each);
      if (View(candidate.key()) == *constant) chosen = std::move(node);
    }
    return problems_.size() == before ? chosen : std::nullopt;
  }

  std::optional<std::string> Constant(std::string_view word) const {
    if (word == "$sync.object") return context_.object;
    if (word == "$sync.identity" && context_.identity_fields.size() == 1) {
      return context_.IdentityName(0);
    }
    if (ConsumePrefix(word, "$options.")) return Find(context_.options, word);
    if (ConsumePrefix(word, "$config.")) return Find(context_.config, word);
    return std::nullopt;
  }

  static std::optional<std::string> Find(const std::map<std::string, std::string>& values,
                                         std::string_view name) {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }

  std::optional<Node> CompileWord(std::string_view word, const std::string& place, bool in_each) {
    if (word.starts_with("$$")) return Literal(Quote(word.substr(1)));
    if (const auto constant = Constant(word)) return Literal(Quote(*constant));
    if (word == "$sync.identity") {
      return Problem(place, "$sync.identity needs an identity of one field");
    }
    if (word.starts_with("$options.")) {
      return Problem(place, fmt::format("the Sync sets no option {}", word.substr(9)));
    }
    if (word.starts_with("$config.")) {
      return Problem(place, fmt::format("the Destination's config has no {}", word.substr(8)));
    }
    std::string_view name = word;
    if (!ConsumePrefix(name, "$record.")) {
      return Problem(place,
                     fmt::format("unknown word {}; a text that begins with $ is written $$", word));
    }
    std::optional<Node> node = CompileRecordWord(name, place);
    if (node && !in_each) out_.single_record_ = true;
    return node;
  }

  std::optional<Node> CompileRecordWord(std::string_view name, const std::string& place) {
    if (name == "index") {
      out_.uses_index_ = true;
      return Make(Kind::kIndex);
    }
    if (name == "resolved") {
      out_.uses_resolved_ = true;
      return Make(Kind::kResolved);
    }
    if (name == "key") return Make(Kind::kKey);
    if (name == "fields") return Fields(place, true);
    if (name == "data") return Fields(place, false);
    if (name == "identity") {
      if (context_.identity_fields.size() == 1) return Field(context_.identity_fields[0]);
      return Problem(place,
                     "$record.identity needs an identity of one field; name the field of a "
                     "longer one: $record.identity.<field>");
    }
    if (ConsumePrefix(name, "identity.")) {
      for (size_t i = 0; i < context_.identity_fields.size(); ++i) {
        if (context_.IdentityName(i) == name) return Field(context_.identity_fields[i]);
      }
      return Problem(place, fmt::format("the identity has no field {}", name));
    }
    if (ConsumePrefix(name, "fields.")) {
      for (size_t i = 0; i < context_.fields.size(); ++i) {
        if (FieldName(context_.fields[i].path) == name) return Field(static_cast<uint16_t>(i));
      }
      return Problem(place, fmt::format("the Sync maps no field {}", name));
    }
    return Problem(place, fmt::format("unknown word $record.{}", name));
  }

  static Node Field(uint16_t index) {
    Node node = Make(Kind::kField);
    node.field = index;
    return node;
  }

  std::optional<Node> Fields(const std::string& place, bool with_identity) {
    Node root = Make(Kind::kObject);
    for (size_t at = 0; at < context_.fields.size(); ++at) {
      const auto i = static_cast<uint16_t>(at);  // a batch counts its fields by 16 bits
      const auto& identity = context_.identity_fields;
      if (!with_identity && std::find(identity.begin(), identity.end(), i) != identity.end()) {
        continue;
      }
      if (!Insert(root, context_.fields[i].path, i)) {
        return Problem(place, fmt::format("field {} is a value and an object at once",
                                          FieldName(context_.fields[i].path)));
      }
    }
    return root;
  }

  static bool Insert(Node& root, const std::vector<std::string>& path, uint16_t field) {
    Node* at = &root;
    for (size_t depth = 0; depth < path.size(); ++depth) {
      const bool leaf = depth + 1 == path.size();
      const std::string key = Quote(path[depth]) + ":";
      const auto found = std::find_if(at->children.begin(), at->children.end(),
                                      [&](const Node& child) { return child.key == key; });
      if (found != at->children.end()) {
        if (leaf || found->kind != Kind::kObject) return false;
        at = &*found;
        continue;
      }
      Node child = leaf ? Field(field) : Make(Kind::kObject);
      child.key = key;
      at->children.push_back(std::move(child));
      at = &at->children.back();
    }
    return true;
  }

  const TemplateContext& context_;
  BodyTemplate& out_;
  std::vector<std::string>& problems_;
};

std::optional<BodyTemplate> BodyTemplate::Compile(std::string_view text,
                                                  const TemplateContext& context,
                                                  std::vector<std::string>& problems) {
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error) {
    problems.push_back(fmt::format("body: is no JSON: {}", error.message()));
    return std::nullopt;
  }
  BodyTemplate out;
  const size_t before = problems.size();
  std::optional<Node> root = BodyCompiler(context, out, problems).Compile(value, "", false);
  if (problems.size() > before) return std::nullopt;
  if (!root) {
    problems.push_back("body: the $case at its root matches nothing");
    return std::nullopt;
  }
  out.root_ = std::move(*root);
  return out;
}

}  // namespace penstock::loader

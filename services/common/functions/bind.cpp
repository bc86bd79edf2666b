#include "services/common/functions/bind.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_split.h"
#include "services/common/core/nearest.h"
#include "services/common/functions/argument.h"
#include "services/common/values/json_text.h"

namespace penstock {
namespace {

class Binder {
 public:
  Binder(FunctionPlace place, const Function& function, std::vector<std::string>& problems)
      : place_(place), function_(function), problems_(problems), before_(problems.size()) {
    bound_.function = &function;
    for (const Parameter& parameter : function.parameters)
      bound_.arguments.push_back(DefaultArgument(parameter.kind));
  }

  std::optional<BoundFunction> Run(std::span<const GivenArgument> given) {
    size_t position = 0;
    for (const GivenArgument& one : given) {
      const size_t index = one.name.empty() ? Position(position++) : Named(one.name);
      if (index < function_.parameters.size()) Take(index, one);
    }
    for (size_t i = 0; i < function_.parameters.size(); ++i) {
      const Parameter& parameter = function_.parameters[i];
      if (parameter.required && !bound_.arguments[i].given && problems_.size() == before_)
        Fail(" needs the argument \"" + std::string(parameter.name) + "\"");
    }
    if (problems_.size() != before_) return std::nullopt;
    return std::move(bound_);
  }

 private:
  void Fail(const std::string& what) {
    problems_.push_back(std::string(place_ == FunctionPlace::kFilter ? "filter" : "transform") +
                        " \"" + std::string(function_.name) + "\"" + what);
  }

  // The parameter at a position; their number when there is none.
  size_t Position(size_t position) {
    const size_t n = function_.parameters.size();
    if (n > 0 && function_.parameters.back().repeated) return std::min(position, n - 1);
    if (position == n)
      Fail(n == 0 ? " takes no argument" : " takes at most " + std::to_string(n) + ": " + Names());
    return std::min(position, n);
  }

  size_t Named(const std::string& name) {
    const auto found = std::find_if(function_.parameters.begin(), function_.parameters.end(),
                                    [&](const Parameter& p) { return p.name == name; });
    if (found == function_.parameters.end()) {
      std::vector<std::string_view> names;
      for (const Parameter& parameter : function_.parameters) names.push_back(parameter.name);
      Fail(" has no argument \"" + name + "\"" + DidYouMean(name, names));
    }
    return static_cast<size_t>(found - function_.parameters.begin());
  }

  std::string Names() const {
    std::string out;
    for (const Parameter& parameter : function_.parameters)
      out += (out.empty() ? "" : ", ") + std::string(parameter.name);
    return out;
  }

  void Take(size_t index, const GivenArgument& given) {
    const Parameter& parameter = function_.parameters[index];
    Argument& argument = bound_.arguments[index];
    const std::string at = ", argument \"" + std::string(parameter.name) + "\": ";
    if (argument.given && !parameter.repeated) return Fail(at + "is given twice");
    argument.given = true;
    std::string problem;
    if (parameter.kind == ArgumentKind::kColumn) {
      if (!TakeColumn(given, problem)) Fail(at + problem);
    } else if (const auto* column = std::get_if<ColumnPath>(&given.value)) {
      Fail(at + (place_ == FunctionPlace::kTransform
                     ? "must be a constant, not a list"
                     : "must be a constant, not the column " + column->column +
                           "; write a text in quotes, and coalesce for another column"));
    } else if (!ReadArgument(parameter.kind, std::get<Literal>(given.value), argument, problem)) {
      Fail(at + problem);
    }
  }

  bool TakeColumn(const GivenArgument& given, std::string& problem) {
    if (const auto* column = std::get_if<ColumnPath>(&given.value)) {
      bound_.columns.push_back(*column);
      return true;
    }
    const Literal& literal = std::get<Literal>(given.value);
    if (place_ == FunctionPlace::kFilter || literal.kind != Value::Kind::kText) {
      problem = "must be a column; write a constant with default: '" + literal.text + "'";
      return false;
    }
    std::vector<std::string> path = absl::StrSplit(literal.text, '.');
    if (std::find(path.begin(), path.end(), "") != path.end()) {
      problem = "the column's path has an empty part";
      return false;
    }
    bound_.columns.push_back({path.front(), {path.begin() + 1, path.end()}});
    return true;
  }

  FunctionPlace place_;
  const Function& function_;
  std::vector<std::string>& problems_;
  const size_t before_;
  BoundFunction bound_;
};

// A transform's arguments from their JSON text.
class ArgumentReader {
 public:
  ArgumentReader(std::string_view name, std::vector<std::string>& problems)
      : name_(name), problems_(problems) {}

  std::vector<GivenArgument> Read(std::string_view json) {
    if (json.empty()) return {};
    if (!IsJson(json)) {
      Fail("the arguments are not JSON");
    } else if (json.front() == '{') {
      for (const JsonMember& member : JsonMembers(json)) ReadNamed(member.key, member.value);
    } else if (json.front() == '[') {
      for (std::string_view element : JsonElements(json)) Add("", element);
    } else {
      Add("", json);
    }
    return std::move(given_);
  }

 private:
  void Fail(const std::string& what) {
    problems_.push_back("transform \"" + std::string(name_) + "\": " + what);
  }

  // Of an argument that takes several, a list has one in each element.
  void ReadNamed(const std::string& name, std::string_view value) {
    const Function* function = FindFunction(name_);
    const bool repeated =
        function != nullptr &&
        std::any_of(function->parameters.begin(), function->parameters.end(),
                    [&](const Parameter& p) { return p.repeated && p.name == name; });
    if (!repeated || !value.starts_with('[')) return Add(name, value);
    for (std::string_view element : JsonElements(value)) Add(name, element);
  }

  void Add(const std::string& name, std::string_view json) {
    Value value;
    std::string scratch;
    if (json.starts_with('[')) return AddPath(name, json);
    if (JsonAt(json, {}, scratch, value).has_value() || value.null() ||
        value.kind == Value::Kind::kJson)
      return Fail("an argument must be a text, a number, true or false");
    given_.push_back({name, Literal{value.kind, std::string(value.text)}});
  }

  // A list is a column's literal path.
  void AddPath(const std::string& name, std::string_view json) {
    ColumnPath path;
    for (std::string_view element : JsonElements(json)) {
      Value value;
      std::string scratch;
      if (JsonAt(element, {}, scratch, value).has_value() || value.kind != Value::Kind::kText ||
          value.text.empty())
        return Fail("a column's path is a list of names");
      (path.column.empty() ? path.column : path.path.emplace_back()) = value.text;
    }
    if (path.column.empty()) return Fail("a column's path is empty");
    given_.push_back({name, std::move(path)});
  }

  std::string_view name_;
  std::vector<std::string>& problems_;
  std::vector<GivenArgument> given_;
};

}  // namespace

std::optional<BoundFunction> Bind(FunctionPlace place, std::string_view name,
                                  std::span<const GivenArgument> given,
                                  std::vector<std::string>& problems) {
  const Function* function = FindFunction(name);
  if (function == nullptr) {
    const char* what = place == FunctionPlace::kFilter ? "filter" : "transform";
    problems.push_back("there is no " + std::string(what) + " \"" + std::string(name) + "\"" +
                       SuggestFunction(name));
    return std::nullopt;
  }
  return Binder(place, *function, problems).Run(given);
}

std::optional<BoundFunction> BindTransform(std::string_view name, std::string_view args_json,
                                           std::vector<std::string>& problems) {
  const size_t before = problems.size();
  const std::vector<GivenArgument> given = ArgumentReader(name, problems).Read(args_json);
  if (problems.size() != before) return std::nullopt;
  return Bind(FunctionPlace::kTransform, name, given, problems);
}

}  // namespace penstock

#include "services/loader/domain/request_body.h"

#include <algorithm>
#include <boost/json.hpp>

#include "fmt/format.h"
#include "services/common/core/percent_encode.h"
#include "services/common/core/status.h"
#include "services/loader/domain/json_pointer.h"

namespace penstock::loader {
namespace {

namespace json = boost::json;

std::string Quote(std::string_view text) {
  return json::serialize(json::value(json::string_view(text.data(), text.size())));
}

// The characters of a form's value; nullopt for objects and lists.
std::optional<std::string> FormText(std::string_view slice) {
  if (slice == "null") return std::string();
  if (slice.starts_with('{') || slice.starts_with('[')) return std::nullopt;
  if (!slice.starts_with('"')) return std::string(slice);  // a number keeps its digits
  json::error_code error;
  const json::value value = json::parse({slice.data(), slice.size()}, error);
  return error ? std::nullopt : std::optional(PlainText(value));
}

}  // namespace

std::optional<RequestBody> RequestBody::Compile(const RequestTemplate& request,
                                                const TemplateContext& context,
                                                std::vector<std::string>& problems) {
  RequestBody out;
  out.format_ = request.format;
  if (request.format == BodyFormat::kForm) {
    if (!out.CompileForm(request.body, context, problems)) return std::nullopt;
    return out;
  }
  if (request.format == BodyFormat::kNdjson) {
    if (!out.CompileLines(request.body, context, problems)) return std::nullopt;
    return out;
  }
  out.template_ = BodyTemplate::Compile(request.body, context, problems);
  if (!out.template_) return std::nullopt;
  out.Note(*out.template_, /*in_each=*/false);
  return out;
}

bool RequestBody::CompileLines(std::string_view body, const TemplateContext& context,
                               std::vector<std::string>& problems) {
  const size_t before = problems.size();
  json::error_code error;
  const json::value whole = json::parse({body.data(), body.size()}, error);
  const json::array* several = error ? nullptr : whole.if_array();
  std::vector<std::string> lines;
  if (several == nullptr) lines.emplace_back(body);
  for (size_t i = 0; several != nullptr && i < several->size(); ++i)
    lines.push_back(json::serialize((*several)[i]));
  for (const std::string& line : lines) {
    auto compiled = BodyTemplate::Compile(line, context, problems);
    if (!compiled) continue;
    Note(*compiled, /*in_each=*/true);
    lines_.push_back(std::move(*compiled));
  }
  return problems.size() == before;
}

void RequestBody::Note(const BodyTemplate& part, bool in_each) {
  uses_index_ = uses_index_ || part.uses_index();
  if (!in_each && part.single_record()) single_record_ = true;
}

bool RequestBody::AddField(std::string_view name, std::string_view json, bool is_list,
                           const TemplateContext& context, std::vector<std::string>& problems) {
  const size_t before = problems.size();
  auto value = BodyTemplate::Compile(json, context, problems);
  if (!value) {
    for (size_t i = before; i < problems.size(); ++i)
      problems[i] = fmt::format("body/{}: {}", name, problems[i]);
    return false;
  }
  Note(*value, false);
  fields_.push_back({PercentEncode(name), std::move(*value), is_list});
  return true;
}

bool RequestBody::AddRecordFields(bool with_identity, const TemplateContext& context,
                                  std::vector<std::string>& problems) {
  for (size_t i = 0; i < context.fields.size(); ++i) {
    const auto& identity = context.identity_fields;
    const bool identifies = std::find(identity.begin(), identity.end(), i) != identity.end();
    if (identifies && !with_identity) continue;
    const std::vector<std::string>& path = context.fields[i].path;
    const std::string name = FieldName(path);
    if (path.size() != 1) {
      problems.push_back(
          fmt::format("body: the field {} nests, which a form can't; map it under a literal name, "
                      "like [\"{}[{}]\"]",
                      name, path.front(), path.back()));
      continue;
    }
    AddField(name, Quote("$record.fields." + name), false, context, problems);
  }
  return true;
}

bool RequestBody::CompileForm(std::string_view body, const TemplateContext& context,
                              std::vector<std::string>& problems) {
  const size_t before = problems.size();
  json::error_code error;
  const json::value whole = json::parse({body.data(), body.size()}, error);
  if (const json::string* word = error ? nullptr : whole.if_string()) {
    if (*word == "$record.fields" || *word == "$record.data") {
      AddRecordFields(*word == "$record.fields", context, problems);
      return problems.size() == before;
    }
  }
  const json::object* members = error ? nullptr : whole.if_object();
  if (members == nullptr || members->contains("$each") || members->contains("$case")) {
    problems.emplace_back("body: a form is a mapping of names to values, or $record.fields");
    return false;
  }
  for (const auto& member : *members) {
    std::string_view name(member.key().data(), member.key().size());
    if (name.starts_with("$$")) name.remove_prefix(1);
    const json::object* inner = member.value().if_object();
    const bool is_list = inner != nullptr && inner->contains("$each");
    const bool nests =
        member.value().is_array() || (inner != nullptr && !is_list && !inner->contains("$case"));
    if (nests) {
      problems.push_back(fmt::format("body/{}: a form has no objects or lists", name));
      continue;
    }
    AddField(name, json::serialize(member.value()), is_list, context, problems);
  }
  return problems.size() == before;
}

absl::Status RequestBody::Render(const RecordSet& set, std::string& out) const {
  if (format_ == BodyFormat::kForm) return RenderForm(set, out);
  if (format_ == BodyFormat::kNdjson) {
    RenderLines(set, out);
  } else {
    template_->Render(set, out);
  }
  return absl::OkStatus();
}

void RequestBody::RenderLines(const RecordSet& set, std::string& out) const {
  for (size_t i = 0; i < set.records.size(); ++i) {
    RecordSet one = set;
    one.records = set.records.subspan(i, 1);
    if (!set.keys.empty()) one.keys = set.keys.subspan(i, 1);
    if (!set.resolved.empty()) one.resolved = set.resolved.subspan(i, 1);
    for (const BodyTemplate& line : lines_) {
      const size_t begin = out.size();
      line.Render(one, out);
      // JSON of a warehouse may come with line breaks between its parts; inside of texts JSON has
      // none.
      std::replace_if(
          out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
          [](char c) { return c == '\n' || c == '\r'; }, ' ');
      out += '\n';
    }
  }
}

absl::Status RequestBody::RenderForm(const RecordSet& set, std::string& out) const {
  std::string slice;
  for (const FormField& field : fields_) {
    slice.clear();
    if (!field.value.TryRender(set, slice)) continue;
    const std::optional<std::string> text = field.is_list ? slice : FormText(slice);
    if (!text) {
      return Error(ErrorCode::kVALUE_NOT_REPRESENTABLE,
                   fmt::format("the form's field {} needs a value that is no object or list, and "
                               "this record's is",
                               field.name));
    }
    if (!out.empty()) out += '&';
    out.append(field.name).append("=").append(PercentEncode(*text));
  }
  return absl::OkStatus();
}

std::string_view RequestBody::content_type() const {
  switch (format_) {
    case BodyFormat::kNdjson:
      return "application/x-ndjson";
    case BodyFormat::kForm:
      return "application/x-www-form-urlencoded";
    case BodyFormat::kJson:
      break;
  }
  return "application/json";
}

}  // namespace penstock::loader

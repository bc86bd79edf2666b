#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <span>

#include "services/common/core/nearest.h"
#include "services/common/model/manifest_text.h"
#include "services/common/model/validate_report.h"

// What can be said of a manifest's request before a Sync uses it.
namespace penstock {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
// What the connection or the body's form decides.
constexpr std::array<std::string_view, 6> kOwnHeaders = {
    "host", "content-length", "content-encoding", "transfer-encoding", "connection", "expect"};
constexpr std::array<std::string_view, 7> kTextWords = {
    "config.NAME",         "options.NAME",    "sync.object", "sync.identity",
    "record.fields.FIELD", "record.identity", "record.key"};
constexpr std::array<std::string_view, 11> kBodyWords = {
    "config.NAME",     "options.NAME", "sync.object",        "sync.identity",
    "record.fields",   "record.data",  "record.index",       "record.identity",
    "record.resolved", "record.key",   "record.fields.FIELD"};

bool HasName(std::string_view word, std::string_view family) {
  return word.starts_with(family) && word.size() > family.size();
}

bool IsTextWord(std::string_view word) {
  return HasName(word, "config.") || HasName(word, "options.") || word == "sync.object" ||
         word == "sync.identity" || word == "record.identity" ||
         HasName(word, "record.identity.") || HasName(word, "record.fields.") ||
         word == "record.resolved" || word == "record.key";
}

bool IsBodyWord(std::string_view word) {
  return IsTextWord(word) || word == "record.fields" || word == "record.data" ||
         word == "record.index";
}

// What a header or a query that was named wrong is told by.
std::string Place(const std::string& field, const ManifestWord& word) {
  return field + "." + word.field;
}

std::string Told(const ManifestWord& word) {
  const std::string shown = word.field == "body" ? "$" + word.word : "${" + word.word + "}";
  return word.place.empty() ? shown : word.place + ": " + shown;
}

class WordRules {
 public:
  WordRules(std::string field, uint32_t max_records, const std::map<std::string, bool>& options,
            const Config* config, const ProblemReport& report)
      : field_(std::move(field)),
        max_records_(max_records),
        options_(options),
        config_(config),
        report_(report) {}

  void Check(const ManifestWord& word) const {
    const bool in_body = word.field == "body";
    if (in_body ? !IsBodyWord(word.word) : !IsTextWord(word.word)) return TellUnknown(word);
    const std::string_view text = word.word;
    if (text.starts_with("options.") && !options_.contains(std::string(text.substr(8))))
      return TellMissing(word, "is no option of the object", KeysOf(options_), text.substr(8));
    if (text.starts_with("config.") && config_ != nullptr &&
        !config_->contains(std::string(text.substr(7))))
      return TellMissing(word, "is not in the Destination's config", KeysOf(*config_),
                         text.substr(7));
    if (text.starts_with("record.") && !word.in_each && max_records_ != 1)
      report_.Add(Place(field_, word),
                  Told(word) +
                      " is of one record: say batch: {max_records: 1}, or put it into "
                      "{$each: record, $do: …} of a body");
  }

 private:
  template <typename T>
  static std::vector<std::string_view> KeysOf(const std::map<std::string, T>& map) {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : map) keys.push_back(key);
    return keys;
  }

  void TellUnknown(const ManifestWord& word) const {
    const std::span<const std::string_view> known =
        word.field == "body" ? std::span<const std::string_view>(kBodyWords) : kTextWords;
    std::string message = Told(word) + " is unknown" + DidYouMean(word.word, known);
    if (word.field == "body") message += "; a text that begins with $ is written $$";
    report_.Add(Place(field_, word), message);
  }

  void TellMissing(const ManifestWord& word, std::string_view what,
                   const std::vector<std::string_view>& known, std::string_view name) const {
    report_.Add(Place(field_, word),
                Told(word) + " " + std::string(what) + DidYouMean(name, known));
  }

  std::string field_;
  uint32_t max_records_;
  const std::map<std::string, bool>& options_;
  const Config* config_;
  const ProblemReport& report_;
};

bool IsEach(const json::value& value) {
  return value.is_object() && value.get_object().contains("$each");
}

bool HoldsRecord(const json::value& value) {
  if (const json::string* text = value.if_string()) return text->starts_with("$record.");
  if (const json::array* list = value.if_array())
    return std::any_of(list->begin(), list->end(), HoldsRecord);
  if (const json::object* object = value.if_object())
    return std::any_of(object->begin(), object->end(),
                       [](const auto& member) { return HoldsRecord(member.value()); });
  return false;
}

bool HoldsEach(const json::value& value) {
  if (IsEach(value)) return true;
  if (const json::array* list = value.if_array())
    return std::any_of(list->begin(), list->end(), HoldsEach);
  if (const json::object* object = value.if_object())
    return std::any_of(object->begin(), object->end(),
                       [](const auto& member) { return HoldsEach(member.value()); });
  return false;
}

void ValidateNdjson(const std::string& field, const json::value& body,
                    const ProblemReport& report) {
  if (HoldsEach(body)) {
    report.Add(field,
               "has $each, but with format: ndjson each line is a record already; leave "
               "$each out and write what one record's line is");
  } else if (!HoldsRecord(body)) {
    report.Add(field,
               "names no $record, so that all lines would be the same; with format: ndjson "
               "it is one record's line, like $record.fields");
  }
}

void ValidateForm(const std::string& field, const json::value& body, const ProblemReport& report) {
  const json::string* word = body.if_string();
  if (word != nullptr && (*word == "$record.fields" || *word == "$record.data")) return;
  if (!body.is_object() || IsEach(body) || body.get_object().contains("$case"))
    return report.Add(field,
                      "must be a mapping of names to values, or $record.fields, with "
                      "format: form");
  for (const auto& member : body.get_object()) {
    const json::value& value = member.value();
    const std::string name(member.key());
    const json::string* text = value.if_string();
    const bool object_word =
        text != nullptr && (*text == "$record.fields" || *text == "$record.data");
    const bool is_case = value.is_object() && value.get_object().contains("$case");
    const bool nests = value.is_object() && !IsEach(value) && !is_case;
    if (nests || value.is_array() || object_word)
      report.Add(field, "/" + name +
                            ": a form has no objects or lists; give the inner fields "
                            "names of their own, like \"" +
                            name + "[x]\", or send format: json");
  }
}

void ValidateBody(const std::string& field, const RequestTemplate& request,
                  const ProblemReport& report) {
  const std::string place = field + ".body";
  json::error_code error;
  const json::value body = json::parse({request.body.data(), request.body.size()}, error);
  if (error) return report.Add(place, "is not JSON");
  if (request.format == BodyFormat::kNdjson) ValidateNdjson(place, body, report);
  if (request.format == BodyFormat::kForm) ValidateForm(place, body, report);
}

void ValidateHeaders(const std::string& field, const RequestTemplate& request,
                     const ProblemReport& report) {
  for (const auto& [name, text] : request.headers) {
    const std::string place = field + ".headers." + name;
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!IsHeaderName(name)) {
      report.Add(place, "\"" + name + "\" is no header's name; use letters, digits and -");
    } else if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), lower) != kOwnHeaders.end()) {
      report.Add(place, "is set by Penstock; remove it");
    }
  }
}

}  // namespace

bool IsHeaderName(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != kMarks.npos;
  });
}

void ValidateRequest(const std::string& field, const RequestTemplate& request, uint32_t max_records,
                     const std::map<std::string, bool>& options, const Config* config,
                     const ProblemReport& report) {
  if (std::find(kMethods.begin(), kMethods.end(), request.method) == kMethods.end())
    report.Add(field + ".method", "\"" + request.method + "\" is not one of GET, POST, PUT, " +
                                      "PATCH, DELETE" + DidYouMean(request.method, kMethods));
  if (report.Require(field + ".path", request.path) && !request.path.starts_with('/'))
    report.Add(field + ".path", "must start with /; the base URL stands before it");
  ValidateHeaders(field, request, report);
  if (!request.body.empty()) {
    ValidateBody(field, request, report);
  } else if (request.format != BodyFormat::kJson) {
    report.Add(field + ".body", "is missing; format says how it is written");
  }
  std::vector<std::string> problems;
  const std::vector<ManifestWord> words = WordsOf(request, problems);
  for (const std::string& problem : problems) {
    const size_t colon = problem.find(": ");
    report.Add(field + "." + problem.substr(0, colon), problem.substr(colon + 2));
  }
  const WordRules rules(field, max_records, options, config, report);
  for (const ManifestWord& word : words) rules.Check(word);
}

}  // namespace penstock

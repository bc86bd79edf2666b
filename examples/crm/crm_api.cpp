#include "examples/crm/crm_api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <fstream>

#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock::crm {
namespace {

namespace json = boost::json;

constexpr std::string_view kBatchPath = "/crm/v3/objects/contacts/batch/";

ApiAnswer Refuse(int status, std::string_view category, std::string_view message) {
  json::object body{{"status", "error"},
                    {"category", json::string_view(category.data(), category.size())},
                    {"message", json::string_view(message.data(), message.size())}};
  return {.status = status, .body = json::serialize(body)};
}

std::optional<uint64_t> RecordId(std::string_view text) {
  uint64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

// What stands in a 207's list of errors.
json::value RecordError(std::string_view category, std::string_view message, const Input& input) {
  json::object context{{"ids", {input.id}}};
  if (!input.trace_id.empty()) context["objectWriteTraceId"] = {input.trace_id};
  return json::object{{"status", "error"},
                      {"category", json::string_view(category.data(), category.size())},
                      {"message", json::string_view(message.data(), message.size())},
                      {"context", std::move(context)}};
}

ApiAnswer BatchAnswer(json::array results, json::array errors) {
  const int status = errors.empty() ? 200 : 207;
  json::object body{{"status", "COMPLETE"}, {"results", std::move(results)}};
  if (!errors.empty()) {
    body["numErrors"] = errors.size();
    body["errors"] = std::move(errors);
  }
  return {.status = status, .body = json::serialize(body)};
}

bool LooksLikeEmail(std::string_view text) {
  size_t at = text.find('@');
  return at != text.npos && at > 0 && text.find('.', at + 2) != text.npos &&
         text.find_first_of(" \t\r\n") == text.npos;
}

std::string QueryValue(std::string_view query, std::string_view name) {
  for (const std::string& part :
       std::vector<std::string>(absl::StrSplit(std::string(query), '&'))) {
    size_t equals = part.find('=');
    if (equals != part.npos && part.compare(0, equals, name) == 0) return part.substr(equals + 1);
  }
  return {};
}

}  // namespace

ApiAnswer CrmApi::Answer(const ApiRequest& request, BootTime now) {
  const size_t mark = request.target.find('?');
  const std::string_view path = request.target.substr(0, mark);
  const std::string_view query =
      mark == request.target.npos ? std::string_view() : request.target.substr(mark + 1);
  if (request.method == "POST" && path.starts_with(kBatchPath)) {
    const std::string_view call = path.substr(kBatchPath.size());
    if (call == "upsert") return Batch(BatchCall::kUpsert, request, now);
    if (call == "read") return Batch(BatchCall::kRead, request, now);
    if (call == "archive") return Batch(BatchCall::kArchive, request, now);
  }
  if (request.method == "GET" && path == "/contacts") return Contacts(query);
  if (request.method == "GET" && path == "/stats") return Stats();
  if (request.method == "POST" && path == "/stats/reset") {
    stats_ = {};
    return {.status = 204};
  }
  ++stats_.requests_refused;
  return Refuse(404, "OBJECT_NOT_FOUND",
                fmt::format("nothing answers {} {}", request.method, path));
}

absl::Status CrmApi::KeepLog(const std::string& path) {
  PENSTOCK_ASSIGN_OR_RETURN(log_, ContactLog::Open(path, contacts_));
  return absl::OkStatus();
}

bool CrmApi::IsKnown(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme) || authorization == kScheme) return false;
  authorization.remove_prefix(kScheme.size());
  if (access_.token_file.empty()) return authorization == access_.token.Reveal();
  std::ifstream file(access_.token_file);
  for (std::string line; std::getline(file, line);)
    if (line == authorization) return true;
  return false;
}

ApiAnswer CrmApi::Batch(BatchCall call, const ApiRequest& request, BootTime now) {
  if (!IsKnown(request.authorization)) {
    ++stats_.requests_refused;
    return Refuse(
        401, "INVALID_AUTHENTICATION",
        "Authentication credentials not found or wrong; send Authorization: Bearer <token>");
  }
  if (std::optional<Duration> wait = rate_limit_.Charge(now)) {
    ++stats_.rate_limited;
    ApiAnswer answer =
        Refuse(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit.");
    answer.retry_after_s = static_cast<int>(std::chrono::ceil<std::chrono::seconds>(*wait).count());
    return answer;
  }
  std::variant<Inputs, Refusal> read = ReadInputs(call, request.body);
  if (const Refusal* refusal = std::get_if<Refusal>(&read)) {
    ++stats_.requests_refused;
    return Refuse(refusal->status, refusal->category, refusal->message);
  }
  const Inputs& batch = std::get<Inputs>(read);
  if (call == BatchCall::kUpsert) return Upsert(batch);
  if (call == BatchCall::kRead) return Read(batch);
  return Archive(batch);
}

ApiAnswer CrmApi::Upsert(const Inputs& batch) {
  ++stats_.upsert.requests;
  json::array results, errors;
  const auto refuse = [&](const Input& input, std::string_view category, std::string_view message) {
    ++stats_.records_refused;
    errors.push_back(RecordError(category, message, input));
  };
  for (const Input& input : batch.inputs) {
    ++stats_.upsert.records;
    const bool by_email = input.id_property == "email";
    if (by_email && !LooksLikeEmail(input.id)) {
      refuse(input, "VALIDATION_ERROR",
             fmt::format("Property values were not valid: email \"{}\" is invalid", input.id));
      continue;
    }
    const std::optional<uint64_t> id = by_email ? std::nullopt : RecordId(input.id);
    const Contact* contact =
        by_email ? contacts_.FindByEmail(input.id) : (id ? contacts_.FindById(*id) : nullptr);
    const bool is_new = contact == nullptr;
    if (is_new && !by_email) {
      refuse(input, "OBJECT_NOT_FOUND", fmt::format("No contact has the id {}", input.id));
      continue;
    }
    if (is_new) {
      contact = &contacts_.Create(input.id, input.properties);
    } else if (!contacts_.Update(contact->id, input.properties)) {
      refuse(input, "CONFLICT", "Contact already exists with this e-mail");
      continue;
    }
    ++(is_new ? stats_.created : stats_.updated);
    if (log_) {
      Properties stored = input.properties;
      stored["email"] = contact->properties.at("email");
      log_->Upsert(contact->id, stored);
    }
    json::object result{{"id", std::to_string(contact->id)},
                        {"new", is_new},
                        {"properties", {{"email", contact->properties.at("email")}}}};
    if (!input.trace_id.empty()) result["objectWriteTraceId"] = input.trace_id;
    results.push_back(std::move(result));
  }
  if (log_) log_->Flush();
  return BatchAnswer(std::move(results), std::move(errors));
}

ApiAnswer CrmApi::Read(const Inputs& batch) {
  ++stats_.read.requests;
  json::array results, errors;
  for (const Input& input : batch.inputs) {
    ++stats_.read.records;
    const std::optional<uint64_t> id = RecordId(input.id);
    const Contact* contact = input.id_property == "email" ? contacts_.FindByEmail(input.id)
                             : id                         ? contacts_.FindById(*id)
                                                          : nullptr;
    if (contact == nullptr) {
      errors.push_back(RecordError("OBJECT_NOT_FOUND",
                                   "Could not get some CONTACT objects, they may be deleted or not "
                                   "exist. Check that ids are valid.",
                                   input));
      continue;
    }
    json::object properties{{"hs_object_id", std::to_string(contact->id)}};
    for (const std::string& name : batch.wanted) {
      if (auto value = contact->properties.find(name); value != contact->properties.end())
        properties[name] = value->second;
    }
    results.push_back(
        json::object{{"id", std::to_string(contact->id)}, {"properties", std::move(properties)}});
  }
  return BatchAnswer(std::move(results), std::move(errors));
}

ApiAnswer CrmApi::Archive(const Inputs& batch) {
  for (const Input& input : batch.inputs) {
    if (RecordId(input.id)) continue;
    ++stats_.requests_refused;
    return Refuse(400, "VALIDATION_ERROR",
                  fmt::format("Invalid object id \"{}\": archive takes record ids", input.id));
  }
  ++stats_.archive.requests;
  for (const Input& input : batch.inputs) {
    ++stats_.archive.records;
    if (!contacts_.Archive(*RecordId(input.id))) continue;
    ++stats_.archived;
    if (log_) log_->Archive(*RecordId(input.id));
  }
  if (log_) log_->Flush();
  return {.status = 204};
}

ApiAnswer CrmApi::Contacts(std::string_view query) const {
  const std::string format = QueryValue(query, "format");
  if (format == "count")
    return {.body = fmt::format("{}\n", contacts_.size()), .content_type = "text/plain"};
  if (format != "lines") return Refuse(400, "VALIDATION_ERROR", "format is count or lines");
  std::vector<std::string> columns = absl::StrSplit(QueryValue(query, "properties"), ',');
  ApiAnswer answer{.content_type = "text/plain; charset=utf-8"};
  for (const std::string& line : contacts_.SortedLines(columns)) {
    answer.body += line;
    answer.body += '\n';
  }
  return answer;
}

ApiAnswer CrmApi::Stats() const {
  const auto call = [](const CrmStats::Call& counts) {
    return json::object{{"requests", counts.requests}, {"records", counts.records}};
  };
  json::object body{{"upsert", call(stats_.upsert)},
                    {"read", call(stats_.read)},
                    {"archive", call(stats_.archive)},
                    {"created", stats_.created},
                    {"updated", stats_.updated},
                    {"archived", stats_.archived},
                    {"records_refused", stats_.records_refused},
                    {"requests_refused", stats_.requests_refused},
                    {"rate_limited", stats_.rate_limited}};
  return {.body = json::serialize(body) + "\n"};
}

}  // namespace penstock::crm

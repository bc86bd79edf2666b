#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "services/common/config/resource_schema.h"
#include "tests/unit/config_resources/messages.h"

// Every field that files may have is given a value of a wrong form here: the list is held against
// the tables by which files are read. Rules that go beyond the form have their tests beside this.
namespace penstock {
namespace {

struct WrongValue {
  std::string_view field;  // "Sync spec.mapping.*.from"; * is a name that users give
  std::string_view value;
  std::string_view message;
};

constexpr std::string_view kNoText = "must be text, not a list";
constexpr std::string_view kQuote = "must be text; write \"5\" in quotes";
constexpr std::string_view kNoMap = "must be a mapping, not text";
constexpr std::string_view kNoList = "must be a list, not text";
constexpr std::string_view kNoBool = "must be true or false, not text";
constexpr std::string_view kNoNumber = "must be a whole number, not text";
constexpr std::string_view kNoPart = "must be a part of all, written like 20% or 0.2";
constexpr std::string_view kNoDuration =
    "\"soon\" is no duration; write it like 250ms, 30s, 5m, 1h30m or 2d";
constexpr std::string_view kNoJson = "infinities and NaN can't be sent";

constexpr WrongValue kWrong[] = {
    {"metadata.name", "5", kQuote},
    {"metadata.labels", "a", kNoMap},
    {"metadata.description", "[a]", kNoText},
    {"metadata.renamed_from", "5", kQuote},

    {"Source spec.connector", "5", kQuote},
    {"Source spec.config", "a", kNoMap},
    {"Source spec.schema", "5", kQuote},
    {"Source spec.timezone", "5", kQuote},

    {"Model spec.source", "5", kQuote},
    {"Model spec.table", "5", kQuote},
    {"Model spec.sql", "[SELECT 1]", kNoText},
    {"Model spec.sql_file", "nothing.txt", "nothing.txt: must end in .sql"},
    {"Model spec.dbt", "customers", kNoMap},
    {"Model spec.dbt.project", "5", kQuote},
    {"Model spec.dbt.model", "5", kQuote},
    {"Model spec.dbt.version", "[1]", kNoText},
    {"Model spec.primary_key", "id", kNoList},

    {"Destination spec.connector", "5", kQuote},
    {"Destination spec.account", "5", kQuote},
    {"Destination spec.config", "a", kNoMap},

    {"Connector spec.native", "5", kQuote},
    {"Connector spec.encoding", "csv", "\"csv\" is not one of json, pg_binary"},
    {"Connector spec.base_url", "5", kQuote},
    {"Connector spec.auth", "bearer", kNoMap},
    {"Connector spec.quotas", "a", kNoMap},
    {"Connector spec.quotas.*.requests", "many", kNoNumber},
    {"Connector spec.quotas.*.per", "soon", kNoDuration},
    {"Connector spec.quotas.*.share", "120%", kNoPart},
    {"Connector spec.quotas.*.concurrency", "few", kNoNumber},
    {"Connector spec.values", "a", kNoMap},
    {"Connector spec.values.scalars", "text", "\"text\" is not one of native, string"},
    {"Connector spec.values.big_integers", "text", "\"text\" is not one of native, string"},
    {"Connector spec.values.null", ".nan", kNoJson},
    {"Connector spec.objects", "a", kNoMap},
    {"Connector spec.objects.*.identity", "id", kNoList},
    {"Connector spec.objects.*.normalise", "a", kNoMap},
    {"Connector spec.objects.*.options", "a", kNoMap},
    {"Connector spec.objects.*.options.*.target", "maybe", kNoBool},
    {"Connector spec.objects.*.operations", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.request", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.request.method", "5", kQuote},
    {"Connector spec.objects.*.operations.*.request.path", "5", kQuote},
    {"Connector spec.objects.*.operations.*.request.query", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.request.headers", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.request.body", ".inf", kNoJson},
    {"Connector spec.objects.*.operations.*.request.format", "xml",
     "\"xml\" is not one of json, ndjson, form"},
    {"Connector spec.objects.*.operations.*.request.compression", "lz4",
     "\"lz4\" is not one of none, gzip"},
    {"Connector spec.objects.*.operations.*.batch", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.batch.max_records", "many", kNoNumber},
    {"Connector spec.objects.*.operations.*.batch.max_bytes", "lots",
     "\"lots\" is no size; write it like 4096, 500kB, 64MB or 1GiB"},
    {"Connector spec.objects.*.operations.*.confirms", "all",
     "\"all\" is not one of record, batch, none"},
    {"Connector spec.objects.*.operations.*.result", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.result.delivered_when", "ok", kNoList},
    {"Connector spec.objects.*.operations.*.result.results", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.record", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.errors", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.error_record", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.by", "key",
     "\"key\" is not one of index, identity"},
    {"Connector spec.objects.*.operations.*.result.outcome", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.delivered_outcomes", "ok", kNoList},
    {"Connector spec.objects.*.operations.*.result.message", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.code", "5", kQuote},
    {"Connector spec.objects.*.operations.*.result.conflict_codes", "a", kNoList},
    {"Connector spec.objects.*.operations.*.result.not_found_codes", "a", kNoList},
    {"Connector spec.objects.*.operations.*.result.retryable_codes", "a", kNoList},
    {"Connector spec.objects.*.operations.*.resolve", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.resolve.request", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.resolve.request.method", "5", kQuote},
    {"Connector spec.objects.*.operations.*.resolve.request.path", "5", kQuote},
    {"Connector spec.objects.*.operations.*.resolve.request.query", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.resolve.request.headers", "a", kNoMap},
    {"Connector spec.objects.*.operations.*.resolve.request.body", ".inf", kNoJson},
    {"Connector spec.objects.*.operations.*.resolve.request.format", "xml",
     "\"xml\" is not one of json, ndjson, form"},
    {"Connector spec.objects.*.operations.*.resolve.request.compression", "lz4",
     "\"lz4\" is not one of none, gzip"},
    {"Connector spec.objects.*.operations.*.resolve.records", "5", kQuote},
    {"Connector spec.objects.*.operations.*.resolve.match", "5", kQuote},
    {"Connector spec.objects.*.operations.*.resolve.id", "5", kQuote},
    {"Connector spec.objects.*.operations.*.not_applied", "a", kNoList},
    {"Connector spec.objects.*.operations.*.idempotency_header", "5", kQuote},
    {"Connector spec.objects.*.operations.*.timeout", "soon", kNoDuration},

    {"Sync spec.model", "5", kQuote},
    {"Sync spec.destination", "5", kQuote},
    {"Sync spec.object", "5", kQuote},
    {"Sync spec.mode", "replace",
     "\"replace\" is not one of upsert, update, insert, mirror, append"},
    {"Sync spec.on_removed", "drop", "\"drop\" is not one of keep, delete"},
    {"Sync spec.identity", "email", kNoList},
    {"Sync spec.mapping", "email", kNoMap},
    {"Sync spec.mapping.*.from", "5",
     "must be a column's name, not a number; for a constant write {value: …}"},
    {"Sync spec.mapping.*.value", ".inf", kNoJson},
    {"Sync spec.mapping.*.template", "5", kQuote},
    {"Sync spec.mapping.*.columns", "some", "\"some\" is not one of all"},
    {"Sync spec.mapping.*.except", "a", kNoList},
    {"Sync spec.mapping.*.default", ".nan", kNoJson},
    {"Sync spec.mapping.*.cast", "float",
     "\"float\" is not one of string, integer, number, boolean, json, date, timestamp"},
    {"Sync spec.mapping.*.transform", "trim", kNoList},
    {"Sync spec.mapping.*.on_null", "clear", "\"clear\" is not one of send, omit, skip_record"},
    {"Sync spec.options", "a", kNoMap},
    {"Sync spec.shared", "no", kNoBool},
    {"Sync spec.schedule", "daily", kNoMap},
    {"Sync spec.schedule.cron", "5", kQuote},
    {"Sync spec.schedule.timezone", "5", kQuote},
    {"Sync spec.schedule.every", "soon", kNoDuration},
    {"Sync spec.schedule.after", "a", kNoMap},
    {"Sync spec.schedule.after.syncs", "a", kNoList},
    {"Sync spec.schedule.after.accept_partial", "yes", kNoBool},
    {"Sync spec.overlap", "wait", "\"wait\" is not one of skip, queue"},
    {"Sync spec.guard", "a", kNoMap},
    {"Sync spec.guard.max_removed", "120%", kNoPart},
    {"Sync spec.guard.max_removed_min", "few", kNoNumber},
    {"Sync spec.guard.max_rejected", "half", kNoPart},
    {"Sync spec.guard.max_rejected_min", "few", kNoNumber},
    {"Sync spec.guard.max_changed", "-1", kNoPart},
    {"Sync spec.delivery", "a", kNoMap},
    {"Sync spec.delivery.guarantee", "exactly_once",
     "\"exactly_once\" is not one of at_least_once, at_most_once"},
    {"Sync spec.delivery.max_batch_records", "5000000000", "5000000000 is out of range"},
    {"Sync spec.delivery.max_in_flight", "-1", "-1 is out of range"},
    {"Sync spec.delivery.give_up_after", "soon", kNoDuration},
    {"Sync spec.on_rejected", "a", kNoMap},
    {"Sync spec.on_rejected.retry_from", "soon", kNoDuration},
    {"Sync spec.on_rejected.retry_to", "soon", kNoDuration},
    {"Sync spec.on_mapping_change", "never", "\"never\" is not one of resync, changed_rows_only"},
    {"Sync spec.on_change", "drop", "\"drop\" is not one of ignore, send"},
    {"Sync spec.backfill", "some", "\"some\" is not one of all, none"},
};

// The fields of a schema, as the tables declare them: each has a description.
void AddFields(const boost::json::object& schema, const std::string& path,
               std::set<std::string>& out) {
  if (const auto* properties = schema.if_contains("properties")) {
    for (const auto& [name, field] : properties->as_object()) {
      const std::string inner = path + "." + std::string(name);
      if (field.as_object().contains("description")) out.insert(inner);
      AddFields(field.as_object(), inner, out);
    }
  }
  if (const auto* forms = schema.if_contains("anyOf")) {
    for (const auto& form : forms->as_array()) AddFields(form.as_object(), path, out);
  }
  if (const auto* named = schema.if_contains("additionalProperties");
      named != nullptr && named->is_object())
    AddFields(named->as_object(), path + ".*", out);
}

// Of Destinations only what Connectors don't have.
std::set<std::string> FieldsOfTheTables() {
  const boost::json::object schema = ResourceSchema();
  std::set<std::string> out;
  AddFields(schema.at("properties").at("metadata").as_object(), "metadata", out);
  for (const auto& one : schema.at("allOf").as_array()) {
    const std::string kind(one.at("if").at("properties").at("kind").at("const").as_string());
    const auto& spec = one.at("then").at("properties").at("spec").as_object();
    AddFields(spec, kind + " spec", out);
  }
  std::erase_if(out, [&](const std::string& field) {
    const size_t rest = field.find(" spec.");
    return field.starts_with("Destination") && out.contains("Connector" + field.substr(rest)) &&
           (field.find(".quotas") != field.npos || field.find(".objects") != field.npos);
  });
  return out;
}

// A document with nothing but that field.
std::string Document(std::string_view kind, std::string_view path, std::string_view value) {
  std::string text(value);
  while (!path.empty()) {
    const size_t dot = path.rfind('.');
    text = fmt::format("{{\"{}\": {}}}", path.substr(dot == path.npos ? 0 : dot + 1), text);
    path = dot == path.npos ? "" : path.substr(0, dot);
  }
  const bool of_metadata = text.starts_with("{\"metadata");
  return fmt::format("{{apiVersion: penstock.dev/v1, kind: {}, {}, {}", kind,
                     of_metadata ? "spec: {connector: postgres}" : "metadata: {name: x}",
                     std::string_view(text).substr(1));
}

std::string WithNames(std::string path) {
  for (size_t at = path.find(".*"); at != path.npos; at = path.find(".*"))
    path.replace(at, 2, path.substr(0, at).ends_with("operations") ? ".upsert" : ".x");
  return path;
}

TEST(EveryField, HasAWrongValueInThisTest) {
  std::set<std::string> listed;
  for (const WrongValue& wrong : kWrong) listed.emplace(wrong.field);
  EXPECT_EQ(listed, FieldsOfTheTables());
}

TEST(EveryField, SaysWhatFormIsRight) {
  for (const WrongValue& wrong : kWrong) {
    const size_t space = wrong.field.find(' ');
    const std::string_view kind =
        space == wrong.field.npos ? "Source" : wrong.field.substr(0, space);
    const std::string path = WithNames(
        std::string(space == wrong.field.npos ? wrong.field : wrong.field.substr(space + 1)));
    DeclaredResources declared;
    ReadResources("f.yaml", Document(kind, path, wrong.value), declared);
    std::vector<std::string> messages;
    for (const ResourceError& error : declared.errors) messages.push_back(error.ToString());
    EXPECT_THAT(messages, testing::Contains(fmt::format("f.yaml:1: {}: {}", path, wrong.message)));
    EXPECT_LE(messages.size(), 3u) << testing::PrintToString(messages);
  }
}

}  // namespace
}  // namespace penstock

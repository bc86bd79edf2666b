#include "cli/resource_document.h"

#include <utility>

#include "fmt/format.h"
#include "services/common/core/units.h"

namespace penstock::cli {
namespace {

YamlValue Plain(std::string text) {
  return {.kind = YamlValue::Kind::kScalar, .text = std::move(text)};
}
YamlValue Text(std::string text) {
  return {.kind = YamlValue::Kind::kScalar, .quoted = true, .text = std::move(text)};
}
YamlValue Texts(const std::vector<std::string>& texts) {
  YamlValue list{.kind = YamlValue::Kind::kList};
  for (const std::string& text : texts) list.items.push_back(Text(text));
  return list;
}
YamlValue Numbers(const std::vector<int>& numbers) {
  YamlValue list{.kind = YamlValue::Kind::kList};
  for (int number : numbers) list.items.push_back(Plain(std::to_string(number)));
  return list;
}
// JSON is YAML.
YamlValue Json(std::string_view json) {
  std::vector<YamlProblem> problems;
  std::vector<YamlValue> documents = ParseYaml(json, problems);
  return documents.empty() ? YamlValue{} : std::move(documents.front());
}
YamlValue Length(milliseconds length) {
  return Plain(FormatDuration(length));
}

class Map {
 public:
  Map& Add(std::string key, YamlValue value) {
    value_.members.push_back({.key = std::move(key), .value = std::move(value)});
    return *this;
  }
  // A path as key, whose segments are taken as they are.
  Map& AddLiteral(std::vector<std::string> path, YamlValue value) {
    value_.members.push_back(
        {.key = FieldName(path), .segments = std::move(path), .value = std::move(value)});
    return *this;
  }
  Map& AddText(std::string key, const std::string& text) {
    return text.empty() ? *this : Add(std::move(key), Text(text));
  }
  Map& AddTexts(std::string key, const std::vector<std::string>& texts) {
    return texts.empty() ? *this : Add(std::move(key), Texts(texts));
  }
  Map& AddMap(std::string key, Map map) {
    return map.value_.members.empty() ? *this : Add(std::move(key), map.Take());
  }
  Map& AddTextMap(std::string key, const std::map<std::string, std::string>& texts) {
    Map map;
    for (const auto& [name, text] : texts) map.Add(name, Text(text));
    return AddMap(std::move(key), std::move(map));
  }
  YamlValue Take() { return std::move(value_); }

 private:
  YamlValue value_{.kind = YamlValue::Kind::kMap};
};

Map QuotasMap(const Quotas& quotas) {
  Map map;
  for (const auto& [name, quota] : quotas) {
    Map one;
    if (quota.requests != 0)
      one.Add("requests", Plain(std::to_string(quota.requests))).Add("per", Length(quota.per));
    if (quota.concurrency != 0) one.Add("concurrency", Plain(std::to_string(quota.concurrency)));
    if (quota.share != 1) one.Add("share", Plain(fmt::format("{}", quota.share)));
    map.AddMap(name, std::move(one));
  }
  return map;
}

Map RequestMap(const RequestTemplate& request) {
  Map map;
  map.AddText("method", request.method).AddText("path", request.path);
  map.AddTextMap("query", request.query).AddTextMap("headers", request.headers);
  if (!request.body.empty()) map.Add("body", Json(request.body));
  if (request.format == BodyFormat::kNdjson) map.AddText("format", "ndjson");
  if (request.format == BodyFormat::kForm) map.AddText("format", "form");
  if (request.compression == Compression::kGzip) map.AddText("compression", "gzip");
  return map;
}

Map ResultMap(const ResultSpec& result) {
  Map map;
  if (!result.delivered_when.empty()) map.Add("delivered_when", Numbers(result.delivered_when));
  map.AddText("results", result.results).AddText("record", result.record);
  map.AddText("errors", result.errors).AddText("error_record", result.error_record);
  if (result.by == RecordName::kIdentity) map.AddText("by", "identity");
  map.AddText("outcome", result.outcome);
  map.AddTexts("delivered_outcomes", result.delivered_outcomes);
  map.AddText("message", result.message).AddText("code", result.code);
  map.AddTexts("conflict_codes", result.conflict_codes);
  map.AddTexts("not_found_codes", result.not_found_codes);
  map.AddTexts("retryable_codes", result.retryable_codes);
  return map;
}

std::string_view NameOf(Confirms confirms) {
  if (confirms == Confirms::kRecord) return "record";
  return confirms == Confirms::kBatch ? "batch" : "none";
}

Map OperationMap(const OperationSpec& spec) {
  const OperationSpec defaults;
  Map map;
  if (spec.request != defaults.request) map.AddMap("request", RequestMap(spec.request));
  map.AddMap("batch", Map()
                          .Add("max_records", Plain(std::to_string(spec.batch.max_records)))
                          .Add("max_bytes", Plain(FormatByteSize(spec.batch.max_bytes))));
  map.Add("confirms", Text(std::string(NameOf(spec.confirms))));
  map.AddMap("result", ResultMap(spec.result));
  if (spec.resolve.has_value())
    map.AddMap("resolve", Map()
                              .AddMap("request", RequestMap(spec.resolve->request))
                              .AddText("records", spec.resolve->records)
                              .AddText("match", spec.resolve->match)
                              .AddText("id", spec.resolve->id));
  if (spec.not_applied != defaults.not_applied) map.Add("not_applied", Numbers(spec.not_applied));
  map.AddText("idempotency_header", spec.idempotency_header);
  if (spec.timeout.has_value()) map.Add("timeout", Length(*spec.timeout));
  return map;
}

Map ObjectsMap(const std::map<std::string, ObjectSpec>& objects) {
  Map map;
  for (const auto& [name, object] : objects) {
    Map normalise, options, operations;
    for (const auto& [field, rule] : object.normalise)
      normalise.Add(field, Text(rule == Normalisation::kLowerTrim ? "lower_trim" : "none"));
    for (const auto& [option, target] : object.options)
      options.AddMap(option, Map().Add("target", Plain(target ? "true" : "false")));
    for (const auto& [operation, spec] : object.operations)
      operations.AddMap(std::string(Name(operation)), OperationMap(spec));
    map.AddMap(name, Map()
                         .AddTexts("identity", object.identity)
                         .AddMap("normalise", std::move(normalise))
                         .AddMap("options", std::move(options))
                         .AddMap("operations", std::move(operations)));
  }
  return map;
}

Map Spec(const Source& source) {
  Map map;
  map.AddText("connector", source.connector).AddTextMap("config", source.config);
  map.AddText("schema", source.schema);
  if (source.timezone != Source().timezone) map.AddText("timezone", source.timezone);
  return map;
}

Map Spec(const Model& model) {
  Map map;
  map.AddText("source", model.source).AddText("table", model.table).AddText("sql", model.sql);
  map.AddTexts("primary_key", model.primary_key);
  return map;
}

Map Spec(const Destination& destination) {
  Map map;
  map.AddText("connector", destination.connector).AddText("account", destination.account);
  map.AddTextMap("config", destination.config).AddMap("quotas", QuotasMap(destination.quotas));
  map.AddMap("objects", ObjectsMap(destination.objects));
  return map;
}

Map Spec(const Connector& connector) {
  const ValueRules defaults;
  Map values;
  if (connector.values.scalars != defaults.scalars) values.AddText("scalars", "string");
  if (connector.values.big_integers != defaults.big_integers)
    values.AddText("big_integers", "string");
  if (connector.values.null != defaults.null) values.Add("null", Json(connector.values.null));
  Map map;
  map.AddText("native", connector.native);
  if (connector.encoding == Encoding::kPgBinary) map.AddText("encoding", "pg_binary");
  map.AddText("base_url", connector.base_url).AddTextMap("auth", connector.auth);
  map.AddMap("quotas", QuotasMap(connector.quotas)).AddMap("values", std::move(values));
  map.AddMap("objects", ObjectsMap(connector.objects));
  return map;
}

// A path with dots where no segment has one, else a literal list.
bool NeedsList(const std::vector<std::string>& path) {
  for (const std::string& segment : path) {
    if (segment.find('.') != std::string::npos) return true;
  }
  return false;
}

YamlValue ColumnValue(const FieldMapping::Column& column) {
  std::vector<std::string> path = {column.name};
  path.insert(path.end(), column.path.begin(), column.path.end());
  return NeedsList(path) ? Texts(path) : Text(FieldName(path));
}

YamlValue TransformValue(const Transform& transform) {
  if (transform.args_json.empty()) return Text(transform.name);
  return Map().Add(transform.name, Json(transform.args_json)).Take();
}

std::string_view NameOf(Cast cast) {
  constexpr std::string_view kNames[] = {"",        "string", "integer", "number",
                                         "boolean", "json",   "date",    "timestamp"};
  return kNames[static_cast<size_t>(cast)];
}

Map OriginMap(const FieldMapping::Origin& origin) {
  struct Visitor {
    Map operator()(const FieldMapping::Column& from) const {
      return std::move(Map().Add("from", ColumnValue(from)));
    }
    Map operator()(const FieldMapping::Constant& from) const {
      return std::move(Map().Add("value", Json(from.json)));
    }
    Map operator()(const FieldMapping::Template& from) const {
      return std::move(Map().Add("template", Text(from.text)));
    }
    Map operator()(const FieldMapping::AllColumns& from) const {
      return std::move(Map().AddText("columns", "all").AddTexts("except", from.except));
    }
  };
  return std::visit(Visitor{}, origin);
}

YamlValue FieldValue(const FieldMapping& field) {
  const auto* column = std::get_if<FieldMapping::Column>(&field.from);
  Map map = OriginMap(field.from);
  if (field.default_json.has_value()) map.Add("default", Json(*field.default_json));
  if (field.cast != Cast::kNone) map.AddText("cast", std::string(NameOf(field.cast)));
  if (!field.transforms.empty()) {
    YamlValue list{.kind = YamlValue::Kind::kList};
    for (const Transform& transform : field.transforms)
      list.items.push_back(TransformValue(transform));
    map.Add("transform", std::move(list));
  }
  if (field.on_null == OnNull::kOmit) map.AddText("on_null", "omit");
  if (field.on_null == OnNull::kSkipRecord) map.AddText("on_null", "skip_record");
  YamlValue value = map.Take();
  if (column != nullptr && value.members.size() == 1) return ColumnValue(*column);
  return value;
}

Map MappingMap(const std::vector<FieldMapping>& mapping) {
  Map map;
  for (const FieldMapping& field : mapping) {
    if (NeedsList(field.path)) {
      map.AddLiteral(field.path, FieldValue(field));
    } else {
      map.Add(FieldName(field.path), FieldValue(field));
    }
  }
  return map;
}

Map GuardMap(const Guard& guard) {
  const Guard defaults;
  const auto number = [](double value) { return Plain(fmt::format("{}", value)); };
  Map map;
  if (guard.max_removed != defaults.max_removed) map.Add("max_removed", number(guard.max_removed));
  if (guard.max_removed_min != defaults.max_removed_min)
    map.Add("max_removed_min", Plain(std::to_string(guard.max_removed_min)));
  if (guard.max_rejected != defaults.max_rejected)
    map.Add("max_rejected", number(guard.max_rejected));
  if (guard.max_rejected_min != defaults.max_rejected_min)
    map.Add("max_rejected_min", Plain(std::to_string(guard.max_rejected_min)));
  return map;
}

Map DeliveryMap(const Delivery& delivery) {
  Map map;
  if (delivery.guarantee == Guarantee::kAtMostOnce) map.AddText("guarantee", "at_most_once");
  if (delivery.max_batch_records.has_value())
    map.Add("max_batch_records", Plain(std::to_string(*delivery.max_batch_records)));
  if (delivery.max_in_flight.has_value())
    map.Add("max_in_flight", Plain(std::to_string(*delivery.max_in_flight)));
  if (delivery.give_up_after != Delivery().give_up_after)
    map.Add("give_up_after", Length(delivery.give_up_after));
  return map;
}

Map ScheduleMap(const Schedule& schedule) {
  struct Visitor {
    Map operator()(std::monostate) const { return {}; }
    Map operator()(const CronSchedule& s) const {
      return Map().AddText("cron", s.cron).AddText("timezone", s.timezone);
    }
    Map operator()(const EverySchedule& s) const { return Map().Add("every", Length(s.every)); }
    Map operator()(const AfterSchedule& s) const {
      Map after;
      after.AddTexts("syncs", s.syncs);
      if (s.accept_partial) after.Add("accept_partial", Plain("true"));
      return Map().AddMap("after", std::move(after));
    }
  };
  return std::visit(Visitor{}, schedule);
}

Map Spec(const Sync& sync) {
  Map map;
  map.AddText("model", sync.model).AddText("destination", sync.destination);
  map.AddText("object", sync.object).AddText("mode", std::string(Name(sync.mode)));
  if (sync.on_removed.has_value()) map.AddText("on_removed", std::string(Name(*sync.on_removed)));
  map.AddTexts("identity", sync.identity).AddMap("mapping", MappingMap(sync.mapping));
  map.AddTextMap("options", sync.options);
  if (sync.shared) map.Add("shared", Plain("true"));
  map.AddMap("schedule", ScheduleMap(sync.schedule));
  if (sync.overlap.has_value())
    map.AddText("overlap", *sync.overlap == Overlap::kQueue ? "queue" : "skip");
  map.AddMap("guard", GuardMap(sync.guard)).AddMap("delivery", DeliveryMap(sync.delivery));
  if (sync.on_rejected != RetryDeferred())
    map.AddMap("on_rejected", Map()
                                  .Add("retry_from", Length(sync.on_rejected.from))
                                  .Add("retry_to", Length(sync.on_rejected.to)));
  return map;
}

}  // namespace

YamlValue ToDocument(const Resource& resource) {
  const Metadata& meta = MetadataOf(resource);
  Map map;
  map.AddText("apiVersion", "penstock.dev/v1").AddText("kind", std::string(KindName(resource)));
  map.AddMap("metadata", Map()
                             .AddText("name", meta.name)
                             .AddTextMap("labels", meta.labels)
                             .AddText("description", meta.description)
                             .AddText("renamed_from", meta.renamed_from));
  map.Add("spec", std::visit([](const auto& r) { return Spec(r).Take(); }, resource));
  return map.Take();
}

}  // namespace penstock::cli

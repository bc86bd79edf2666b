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
YamlValue Number(auto number) {
  return Plain(fmt::format("{}", number));
}

class Map {
 public:
  explicit Map(Defaults defaults) : defaults_(defaults) {}
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
  // A value that stands there anyway when it is the default.
  Map& AddOr(bool is_default, std::string key, YamlValue value) {
    if (is_default && defaults_ == Defaults::kLeftOut) return *this;
    return Add(std::move(key), std::move(value));
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
    Map map(defaults_);
    for (const auto& [name, text] : texts) map.Add(name, Text(text));
    return AddMap(std::move(key), std::move(map));
  }
  YamlValue Take() { return std::move(value_); }

 private:
  Defaults defaults_;
  YamlValue value_{.kind = YamlValue::Kind::kMap};
};

std::string_view NameOf(Confirms confirms) {
  if (confirms == Confirms::kRecord) return "record";
  return confirms == Confirms::kBatch ? "batch" : "none";
}

std::string_view NameOf(BodyFormat format) {
  if (format == BodyFormat::kJson) return "json";
  return format == BodyFormat::kNdjson ? "ndjson" : "form";
}

std::string_view NameOf(ScalarForm form) {
  return form == ScalarForm::kString ? "string" : "native";
}

std::string_view NameOf(Cast cast) {
  constexpr std::string_view kNames[] = {"",        "string", "integer", "number",
                                         "boolean", "json",   "date",    "timestamp"};
  return kNames[static_cast<size_t>(cast)];
}

std::string_view NameOf(OnNull on_null) {
  if (on_null == OnNull::kSend) return "send";
  return on_null == OnNull::kOmit ? "omit" : "skip_record";
}

YamlValue Word(std::string_view word) {
  return Text(std::string(word));
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

// Writes the parts of one resource.
class DocumentWriter {
 public:
  explicit DocumentWriter(Defaults defaults) : defaults_(defaults) {}

  YamlValue Write(const Resource& resource) const {
    const Metadata& meta = MetadataOf(resource);
    Map map = New();
    map.AddText("apiVersion", "penstock.dev/v1").AddText("kind", std::string(KindName(resource)));
    map.AddMap("metadata", New()
                               .AddText("name", meta.name)
                               .AddTextMap("labels", meta.labels)
                               .AddText("description", meta.description)
                               .AddText("renamed_from", meta.renamed_from));
    map.Add("spec", std::visit([this](const auto& r) { return Spec(r).Take(); }, resource));
    return map.Take();
  }

 private:
  Map New() const { return Map(defaults_); }

  Map QuotasMap(const Quotas& quotas) const {
    Map map = New();
    for (const auto& [name, quota] : quotas) {
      Map limit = New();
      if (quota.requests > 0)
        limit.Add("requests", Number(quota.requests)).Add("per", Length(quota.per));
      if (quota.concurrency > 0) limit.Add("concurrency", Number(quota.concurrency));
      limit.AddOr(quota.share == Quota().share, "share", Number(quota.share));
      map.AddMap(name, std::move(limit));
    }
    return map;
  }

  Map RequestMap(const RequestTemplate& request) const {
    const RequestTemplate defaults;
    Map map = New();
    map.AddText("method", request.method).AddText("path", request.path);
    map.AddTextMap("query", request.query).AddTextMap("headers", request.headers);
    if (!request.body.empty()) map.Add("body", Json(request.body));
    map.AddOr(request.format == defaults.format, "format", Word(NameOf(request.format)));
    map.AddOr(request.compression == defaults.compression, "compression",
              Word(request.compression == Compression::kGzip ? "gzip" : "none"));
    return map;
  }

  Map ResultMap(const ResultSpec& result) const {
    Map map = New();
    if (!result.delivered_when.empty()) map.Add("delivered_when", Numbers(result.delivered_when));
    map.AddText("results", result.results).AddText("record", result.record);
    map.AddText("errors", result.errors).AddText("error_record", result.error_record);
    map.AddOr(result.by == ResultSpec().by, "by",
              Word(result.by == RecordName::kIdentity ? "identity" : "index"));
    map.AddText("outcome", result.outcome);
    map.AddTexts("delivered_outcomes", result.delivered_outcomes);
    map.AddText("message", result.message).AddText("code", result.code);
    map.AddTexts("conflict_codes", result.conflict_codes);
    map.AddTexts("not_found_codes", result.not_found_codes);
    map.AddTexts("retryable_codes", result.retryable_codes);
    return map;
  }

  Map OperationMap(const OperationSpec& spec) const {
    const OperationSpec defaults;
    Map map = New();
    if (spec.request != defaults.request) map.AddMap("request", RequestMap(spec.request));
    map.AddMap("batch", New()
                            .Add("max_records", Number(spec.batch.max_records))
                            .Add("max_bytes", Plain(FormatByteSize(spec.batch.max_bytes))));
    map.Add("confirms", Word(NameOf(spec.confirms)));
    map.AddMap("result", ResultMap(spec.result));
    if (spec.resolve.has_value())
      map.AddMap("resolve", New()
                                .AddMap("request", RequestMap(spec.resolve->request))
                                .AddText("records", spec.resolve->records)
                                .AddText("match", spec.resolve->match)
                                .AddText("id", spec.resolve->id));
    map.AddOr(spec.not_applied == defaults.not_applied, "not_applied", Numbers(spec.not_applied));
    map.AddText("idempotency_header", spec.idempotency_header);
    if (spec.timeout.has_value()) map.Add("timeout", Length(*spec.timeout));
    return map;
  }

  Map ObjectsMap(const std::map<std::string, ObjectSpec>& objects) const {
    Map map = New();
    for (const auto& [name, object] : objects) {
      Map normalise = New(), options = New(), operations = New();
      for (const auto& [field, rule] : object.normalise)
        normalise.Add(field, Word(rule == Normalisation::kLowerTrim ? "lower_trim" : "none"));
      for (const auto& [option, target] : object.options)
        options.AddMap(option, New().Add("target", Plain(target ? "true" : "false")));
      for (const auto& [operation, spec] : object.operations)
        operations.AddMap(std::string(Name(operation)), OperationMap(spec));
      map.AddMap(name, New()
                           .AddTexts("identity", object.identity)
                           .AddMap("normalise", std::move(normalise))
                           .AddMap("options", std::move(options))
                           .AddMap("operations", std::move(operations)));
    }
    return map;
  }

  Map Spec(const Source& source) const {
    Map map = New();
    map.AddText("connector", source.connector).AddTextMap("config", source.config);
    map.AddText("schema", source.schema);
    map.AddOr(source.timezone == Source().timezone, "timezone", Text(source.timezone));
    return map;
  }

  Map Spec(const Model& model) const {
    Map map = New();
    map.AddText("source", model.source).AddText("table", model.table).AddText("sql", model.sql);
    map.AddTexts("primary_key", model.primary_key);
    return map;
  }

  Map Spec(const Destination& destination) const {
    Map map = New();
    map.AddText("connector", destination.connector);
    map.AddOr(destination.account.empty(), "account", Text(destination.Account()));
    map.AddTextMap("config", destination.config).AddMap("quotas", QuotasMap(destination.quotas));
    map.AddMap("objects", ObjectsMap(destination.objects));
    return map;
  }

  Map Spec(const Connector& connector) const {
    const ValueRules rules;
    const ValueRules& used = connector.values;
    Map values = New();
    values.AddOr(used.scalars == rules.scalars, "scalars", Word(NameOf(used.scalars)));
    values.AddOr(used.big_integers == rules.big_integers, "big_integers",
                 Word(NameOf(used.big_integers)));
    values.AddOr(used.null == rules.null, "null", Json(used.null));
    Map map = New();
    map.AddText("native", connector.native);
    map.AddOr(connector.encoding == Connector().encoding, "encoding",
              Word(connector.encoding == Encoding::kPgBinary ? "pg_binary" : "json"));
    map.AddText("base_url", connector.base_url).AddTextMap("auth", connector.auth);
    map.AddMap("quotas", QuotasMap(connector.quotas)).AddMap("values", std::move(values));
    map.AddMap("objects", ObjectsMap(connector.objects));
    return map;
  }

  YamlValue TransformValue(const Transform& transform) const {
    if (transform.args_json.empty()) return Text(transform.name);
    return New().Add(transform.name, Json(transform.args_json)).Take();
  }

  void AddOrigin(const FieldMapping::Origin& origin, Map& out) const {
    struct Visitor {
      Map& out;
      void operator()(const FieldMapping::Column& from) const {
        out.Add("from", ColumnValue(from));
      }
      void operator()(const FieldMapping::Constant& from) const {
        out.Add("value", Json(from.json));
      }
      void operator()(const FieldMapping::Template& from) const {
        out.Add("template", Text(from.text));
      }
      void operator()(const FieldMapping::AllColumns& from) const {
        out.AddText("columns", "all").AddTexts("except", from.except);
      }
    };
    std::visit(Visitor{out}, origin);
  }

  YamlValue FieldValue(const FieldMapping& field) const {
    Map map = New();
    AddOrigin(field.from, map);
    if (field.default_json.has_value()) map.Add("default", Json(*field.default_json));
    if (field.cast != Cast::kNone) map.Add("cast", Word(NameOf(field.cast)));
    if (!field.transforms.empty()) {
      YamlValue list{.kind = YamlValue::Kind::kList};
      for (const Transform& transform : field.transforms)
        list.items.push_back(TransformValue(transform));
      map.Add("transform", std::move(list));
    }
    map.AddOr(field.on_null == FieldMapping().on_null, "on_null", Word(NameOf(field.on_null)));
    YamlValue value = map.Take();
    const auto* column = std::get_if<FieldMapping::Column>(&field.from);
    if (column != nullptr && value.members.size() == 1) return ColumnValue(*column);
    return value;
  }

  Map MappingMap(const std::vector<FieldMapping>& mapping) const {
    Map map = New();
    for (const FieldMapping& field : mapping) {
      if (NeedsList(field.path)) {
        map.AddLiteral(field.path, FieldValue(field));
      } else {
        map.Add(FieldName(field.path), FieldValue(field));
      }
    }
    return map;
  }

  Map GuardMap(const Guard& guard) const {
    const Guard defaults;
    Map map = New();
    map.AddOr(guard.max_removed == defaults.max_removed, "max_removed", Number(guard.max_removed));
    map.AddOr(guard.max_removed_min == defaults.max_removed_min, "max_removed_min",
              Number(guard.max_removed_min));
    map.AddOr(guard.max_rejected == defaults.max_rejected, "max_rejected",
              Number(guard.max_rejected));
    map.AddOr(guard.max_rejected_min == defaults.max_rejected_min, "max_rejected_min",
              Number(guard.max_rejected_min));
    if (guard.max_changed.has_value()) map.Add("max_changed", Number(*guard.max_changed));
    return map;
  }

  Map DeliveryMap(const Delivery& delivery) const {
    const Delivery defaults;
    Map map = New();
    map.AddOr(
        delivery.guarantee == defaults.guarantee, "guarantee",
        Word(delivery.guarantee == Guarantee::kAtMostOnce ? "at_most_once" : "at_least_once"));
    if (delivery.max_batch_records.has_value())
      map.Add("max_batch_records", Number(*delivery.max_batch_records));
    if (delivery.max_in_flight.has_value())
      map.Add("max_in_flight", Number(*delivery.max_in_flight));
    map.AddOr(delivery.give_up_after == defaults.give_up_after, "give_up_after",
              Length(delivery.give_up_after));
    return map;
  }

  Map RetryMap(const RetryDeferred& retry) const {
    const RetryDeferred defaults;
    return New()
        .AddOr(retry == defaults, "retry_from", Length(retry.from))
        .AddOr(retry == defaults, "retry_to", Length(retry.to));
  }

  Map ScheduleMap(const Schedule& schedule) const {
    struct Visitor {
      const DocumentWriter& writer;
      Map operator()(std::monostate) const { return writer.New(); }
      Map operator()(const CronSchedule& s) const {
        return writer.New().AddText("cron", s.cron).AddText("timezone", s.timezone);
      }
      Map operator()(const EverySchedule& s) const {
        return writer.New().Add("every", Length(s.every));
      }
      Map operator()(const AfterSchedule& s) const {
        Map after = writer.New().AddTexts("syncs", s.syncs);
        after.AddOr(!s.accept_partial, "accept_partial",
                    Plain(s.accept_partial ? "true" : "false"));
        return writer.New().AddMap("after", std::move(after));
      }
    };
    return std::visit(Visitor{*this}, schedule);
  }

  // What an absent field means depends on the mode or the schedule; where it means nothing, it may
  // not stand there.
  void AddOnRemoved(const Sync& sync, Map& out) const {
    const bool may = sync.mode != Mode::kInsert && sync.mode != Mode::kAppend;
    const OnRemoved usual = sync.mode == Mode::kMirror ? OnRemoved::kDelete : OnRemoved::kKeep;
    if (may || sync.on_removed.has_value())
      out.AddOr(!sync.on_removed.has_value(), "on_removed",
                Word(Name(sync.on_removed.value_or(usual))));
  }
  void AddOverlap(const Sync& sync, Map& out) const {
    const bool due = std::holds_alternative<CronSchedule>(sync.schedule) ||
                     std::holds_alternative<EverySchedule>(sync.schedule);
    if (due || sync.overlap.has_value())
      out.AddOr(!sync.overlap.has_value(), "overlap",
                Word(sync.overlap == Overlap::kQueue ? "queue" : "skip"));
  }
  void AddOnChange(const Sync& sync, Map& out) const {
    if (sync.mode == Mode::kAppend || sync.on_change.has_value())
      out.AddOr(!sync.on_change.has_value(), "on_change",
                Word(sync.on_change == OnChange::kSend ? "send" : "ignore"));
  }

  Map Spec(const Sync& sync) const {
    const Sync defaults;
    Map map = New();
    map.AddText("model", sync.model).AddText("destination", sync.destination);
    map.AddText("object", sync.object).AddText("mode", std::string(Name(sync.mode)));
    AddOnRemoved(sync, map);
    AddOnChange(sync, map);
    map.AddOr(sync.backfill == defaults.backfill, "backfill",
              Word(sync.backfill == Backfill::kNone ? "none" : "all"));
    map.AddTexts("identity", sync.identity).AddMap("mapping", MappingMap(sync.mapping));
    map.AddOr(
        sync.on_mapping_change == defaults.on_mapping_change, "on_mapping_change",
        Word(sync.on_mapping_change == OnMappingChange::kResync ? "resync" : "changed_rows_only"));
    map.AddTextMap("options", sync.options);
    map.AddOr(!sync.shared, "shared", Plain(sync.shared ? "true" : "false"));
    map.AddMap("schedule", ScheduleMap(sync.schedule));
    AddOverlap(sync, map);
    map.AddMap("guard", GuardMap(sync.guard)).AddMap("delivery", DeliveryMap(sync.delivery));
    map.AddMap("on_rejected", RetryMap(sync.on_rejected));
    return map;
  }

  Defaults defaults_;
};

}  // namespace

YamlValue ToDocument(const Resource& resource, Defaults defaults) {
  return DocumentWriter(defaults).Write(resource);
}

}  // namespace penstock::cli

#include "services/common/convert/resources.h"

#include <utility>

#include "penstock/v1/resources.pb.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

template <typename Map, typename ProtoMap>
void CopyMap(const Map& from, ProtoMap* to) {
  for (const auto& [key, value] : from) (*to)[key] = value;
}

template <typename ProtoMap, typename Map>
void ReadMap(const ProtoMap& from, Map& to) {
  for (const auto& [key, value] : from) to[key] = value;
}

void Write(const Metadata& meta, v1::Metadata* out) {
  out->set_name(meta.name);
  CopyMap(meta.labels, out->mutable_labels());
  out->set_description(meta.description);
  out->set_renamed_from(meta.renamed_from);
}

Metadata Read(const v1::Metadata& in) {
  Metadata meta{
      .name = in.name(), .description = in.description(), .renamed_from = in.renamed_from()};
  ReadMap(in.labels(), meta.labels);
  return meta;
}

void Write(const Quotas& quotas, google::protobuf::Map<std::string, v1::Quota>* out) {
  for (const auto& [name, quota] : quotas) {
    v1::Quota& one = (*out)[name];
    one.set_requests(quota.requests);
    one.set_per_ms(quota.per.count());
    one.set_share(quota.share);
    one.set_concurrency(quota.concurrency);
  }
}

Quotas Read(const google::protobuf::Map<std::string, v1::Quota>& in) {
  Quotas quotas;
  for (const auto& [name, quota] : in) {
    quotas[name] = {.requests = quota.requests(),
                    .per = milliseconds(quota.per_ms()),
                    .share = quota.share() > 0 ? quota.share() : 1,
                    .concurrency = quota.concurrency()};
  }
  return quotas;
}

void Write(const RequestTemplate& request, v1::RequestTemplate* out) {
  out->set_method(request.method);
  out->set_path(request.path);
  CopyMap(request.query, out->mutable_query());
  CopyMap(request.headers, out->mutable_headers());
  out->set_body(request.body);
  out->set_format(static_cast<v1::BodyFormat>(request.format));
  out->set_compression(static_cast<v1::Compression>(request.compression));
}

RequestTemplate Read(const v1::RequestTemplate& in) {
  RequestTemplate request{.method = in.method().empty() ? "POST" : in.method(),
                          .path = in.path(),
                          .body = in.body(),
                          .format = static_cast<BodyFormat>(in.format()),
                          .compression = static_cast<Compression>(in.compression())};
  ReadMap(in.query(), request.query);
  ReadMap(in.headers(), request.headers);
  return request;
}

void Write(const ResultSpec& result, v1::ResultSpec* out) {
  out->mutable_delivered_when()->Assign(result.delivered_when.begin(), result.delivered_when.end());
  out->set_results(result.results);
  out->set_record(result.record);
  out->set_errors(result.errors);
  out->set_error_record(result.error_record);
  out->set_message(result.message);
  out->set_code(result.code);
  out->mutable_conflict_codes()->Assign(result.conflict_codes.begin(), result.conflict_codes.end());
  out->mutable_not_found_codes()->Assign(result.not_found_codes.begin(),
                                         result.not_found_codes.end());
  out->mutable_retryable_codes()->Assign(result.retryable_codes.begin(),
                                         result.retryable_codes.end());
  out->set_by(static_cast<v1::RecordName>(result.by));
  out->set_outcome(result.outcome);
  out->mutable_delivered_outcomes()->Assign(result.delivered_outcomes.begin(),
                                            result.delivered_outcomes.end());
}

ResultSpec Read(const v1::ResultSpec& in) {
  return {.delivered_when = {in.delivered_when().begin(), in.delivered_when().end()},
          .results = in.results(),
          .record = in.record(),
          .errors = in.errors(),
          .error_record = in.error_record(),
          .by = static_cast<RecordName>(in.by()),
          .outcome = in.outcome(),
          .delivered_outcomes = {in.delivered_outcomes().begin(), in.delivered_outcomes().end()},
          .message = in.message(),
          .code = in.code(),
          .conflict_codes = {in.conflict_codes().begin(), in.conflict_codes().end()},
          .not_found_codes = {in.not_found_codes().begin(), in.not_found_codes().end()},
          .retryable_codes = {in.retryable_codes().begin(), in.retryable_codes().end()}};
}

void Write(const OperationSpec& spec, v1::OperationSpec* out) {
  Write(spec.request, out->mutable_request());
  out->set_max_batch_records(spec.batch.max_records);
  out->set_max_batch_bytes(spec.batch.max_bytes);
  out->set_confirms(static_cast<v1::Confirms>(spec.confirms));
  Write(spec.result, out->mutable_result());
  if (spec.resolve.has_value()) {
    Write(spec.resolve->request, out->mutable_resolve()->mutable_request());
    out->mutable_resolve()->set_records(spec.resolve->records);
    out->mutable_resolve()->set_match(spec.resolve->match);
    out->mutable_resolve()->set_id(spec.resolve->id);
  }
  out->mutable_not_applied()->Assign(spec.not_applied.begin(), spec.not_applied.end());
  out->set_idempotency_header(spec.idempotency_header);
  if (spec.timeout.has_value()) out->set_timeout_ms(spec.timeout->count());
}

OperationSpec Read(const v1::OperationSpec& in) {
  OperationSpec spec{.request = Read(in.request()),
                     .batch = {in.max_batch_records(), in.max_batch_bytes()},
                     .confirms = in.confirms() == v1::CONFIRMS_UNSPECIFIED
                                     ? Confirms::kBatch
                                     : static_cast<Confirms>(in.confirms()),
                     .result = Read(in.result()),
                     .idempotency_header = in.idempotency_header()};
  if (in.has_resolve()) {
    spec.resolve = ResolveSpec{Read(in.resolve().request()), in.resolve().records(),
                               in.resolve().match(), in.resolve().id()};
  }
  // A caller of the API that leaves this out means what files mean by that.
  if (!in.not_applied().empty())
    spec.not_applied = {in.not_applied().begin(), in.not_applied().end()};
  if (in.timeout_ms() > 0) spec.timeout = milliseconds(in.timeout_ms());
  return spec;
}

using ProtoObjects = google::protobuf::Map<std::string, v1::ObjectSpec>;

void Write(const std::map<std::string, ObjectSpec>& objects, ProtoObjects* out) {
  for (const auto& [name, object] : objects) {
    v1::ObjectSpec& one = (*out)[name];
    one.mutable_identity()->Assign(object.identity.begin(), object.identity.end());
    for (const auto& [field, rule] : object.normalise) {
      (*one.mutable_normalise())[field] = static_cast<v1::Normalisation>(rule);
    }
    CopyMap(object.options, one.mutable_options());
    for (const auto& [operation, spec] : object.operations) {
      Write(spec, &(*one.mutable_operations())[std::string(Name(operation))]);
    }
  }
}

std::map<std::string, ObjectSpec> Read(const ProtoObjects& in) {
  std::map<std::string, ObjectSpec> objects;
  for (const auto& [name, one] : in) {
    ObjectSpec& object = objects[name];
    object.identity = {one.identity().begin(), one.identity().end()};
    for (const auto& [field, rule] : one.normalise())
      object.normalise[field] = static_cast<Normalisation>(rule);
    ReadMap(one.options(), object.options);
    for (const auto& [operation, spec] : one.operations()) {
      if (const auto known = OperationByName(operation)) object.operations[*known] = Read(spec);
    }
  }
  return objects;
}

void Write(const FieldMapping& field, v1::FieldMapping* out) {
  out->mutable_path()->Assign(field.path.begin(), field.path.end());
  struct Visitor {
    v1::FieldMapping& out;
    void operator()(const FieldMapping::Column& from) const {
      out.mutable_column()->set_name(from.name);
      out.mutable_column()->mutable_path()->Assign(from.path.begin(), from.path.end());
    }
    void operator()(const FieldMapping::Constant& from) const { out.set_value_json(from.json); }
    void operator()(const FieldMapping::Template& from) const { out.set_template_(from.text); }
    void operator()(const FieldMapping::AllColumns& from) const {
      out.mutable_all_columns()->mutable_except()->Assign(from.except.begin(), from.except.end());
    }
  };
  std::visit(Visitor{*out}, field.from);
  if (field.default_json.has_value()) out->set_default_json(*field.default_json);
  out->set_cast(static_cast<v1::Cast>(field.cast));
  for (const Transform& transform : field.transforms) {
    v1::Transform& one = *out->add_transforms();
    one.set_name(transform.name);
    one.set_args_json(transform.args_json);
  }
  out->set_on_null(static_cast<v1::OnNull>(field.on_null));
}

FieldMapping::Origin ReadOrigin(const v1::FieldMapping& in) {
  switch (in.from_case()) {
    case v1::FieldMapping::kValueJson:
      return FieldMapping::Constant{in.value_json()};
    case v1::FieldMapping::kTemplate:
      return FieldMapping::Template{in.template_()};
    case v1::FieldMapping::kAllColumns:
      return FieldMapping::AllColumns{
          {in.all_columns().except().begin(), in.all_columns().except().end()}};
    default:
      return FieldMapping::Column{in.column().name(),
                                  {in.column().path().begin(), in.column().path().end()}};
  }
}

FieldMapping Read(const v1::FieldMapping& in) {
  FieldMapping field{.path = {in.path().begin(), in.path().end()},
                     .from = ReadOrigin(in),
                     .cast = static_cast<Cast>(in.cast())};
  if (in.has_default_json()) field.default_json = in.default_json();
  for (const v1::Transform& transform : in.transforms())
    field.transforms.push_back({transform.name(), transform.args_json()});
  if (in.on_null() != v1::ON_NULL_UNSPECIFIED) field.on_null = static_cast<OnNull>(in.on_null());
  return field;
}

}  // namespace

v1::Source ToProto(const Source& source) {
  v1::Source out;
  Write(source.meta, out.mutable_metadata());
  out.set_connector(source.connector);
  CopyMap(source.config, out.mutable_config());
  out.set_schema(source.schema);
  out.set_timezone(source.timezone);
  return out;
}

Source FromProto(const v1::Source& in) {
  Source source{.meta = Read(in.metadata()), .connector = in.connector(), .schema = in.schema()};
  ReadMap(in.config(), source.config);
  if (!in.timezone().empty()) source.timezone = in.timezone();
  return source;
}

v1::Model ToProto(const Model& model) {
  v1::Model out;
  Write(model.meta, out.mutable_metadata());
  out.set_source(model.source);
  out.set_table(model.table);
  out.set_sql(model.sql);
  out.mutable_primary_key()->Assign(model.primary_key.begin(), model.primary_key.end());
  return out;
}

Model FromProto(const v1::Model& in) {
  return {.meta = Read(in.metadata()),
          .source = in.source(),
          .table = in.table(),
          .sql = in.sql(),
          .primary_key = {in.primary_key().begin(), in.primary_key().end()}};
}

v1::Destination ToProto(const Destination& destination) {
  v1::Destination out;
  Write(destination.meta, out.mutable_metadata());
  out.set_connector(destination.connector);
  out.set_account(destination.account);
  CopyMap(destination.config, out.mutable_config());
  Write(destination.quotas, out.mutable_quotas());
  Write(destination.objects, out.mutable_objects());
  return out;
}

Destination FromProto(const v1::Destination& in) {
  Destination destination{.meta = Read(in.metadata()),
                          .connector = in.connector(),
                          .account = in.account(),
                          .quotas = Read(in.quotas()),
                          .objects = Read(in.objects())};
  ReadMap(in.config(), destination.config);
  return destination;
}

v1::Connector ToProto(const Connector& connector) {
  v1::Connector out;
  Write(connector.meta, out.mutable_metadata());
  out.set_native(connector.native);
  out.set_base_url(connector.base_url);
  CopyMap(connector.auth, out.mutable_auth());
  Write(connector.quotas, out.mutable_quotas());
  out.mutable_values()->set_scalars_as_strings(connector.values.scalars == ScalarForm::kString);
  out.mutable_values()->set_big_integers_as_strings(connector.values.big_integers ==
                                                    ScalarForm::kString);
  out.mutable_values()->set_null_json(connector.values.null);
  Write(connector.objects, out.mutable_objects());
  out.set_pg_binary(connector.encoding == Encoding::kPgBinary);
  return out;
}

Connector FromProto(const v1::Connector& in) {
  const auto form = [](bool as_string) {
    return as_string ? ScalarForm::kString : ScalarForm::kNative;
  };
  Connector connector{.meta = Read(in.metadata()),
                      .native = in.native(),
                      .encoding = in.pg_binary() ? Encoding::kPgBinary : Encoding::kJson,
                      .base_url = in.base_url(),
                      .quotas = Read(in.quotas()),
                      .values = {.scalars = form(in.values().scalars_as_strings()),
                                 .big_integers = form(in.values().big_integers_as_strings())},
                      .objects = Read(in.objects())};
  if (!in.values().null_json().empty()) connector.values.null = in.values().null_json();
  ReadMap(in.auth(), connector.auth);
  return connector;
}

namespace {

void Write(const Schedule& schedule, v1::Sync& out) {
  struct Visitor {
    v1::Sync& out;
    void operator()(std::monostate) const {}
    void operator()(const CronSchedule& s) const {
      v1::CronSchedule& cron = *out.mutable_schedule()->mutable_cron();
      cron.set_cron(s.cron);
      cron.set_timezone(s.timezone);
    }
    void operator()(const EverySchedule& s) const {
      out.mutable_schedule()->set_every_ms(s.every.count());
    }
    void operator()(const AfterSchedule& s) const {
      v1::AfterSchedule& after = *out.mutable_schedule()->mutable_after();
      after.mutable_syncs()->Assign(s.syncs.begin(), s.syncs.end());
      after.set_accept_partial(s.accept_partial);
    }
  };
  std::visit(Visitor{out}, schedule);
}

}  // namespace

Schedule FromProto(const v1::Schedule& in) {
  switch (in.kind_case()) {
    case v1::Schedule::kCron: {
      CronSchedule cron{.cron = in.cron().cron()};
      if (!in.cron().timezone().empty()) cron.timezone = in.cron().timezone();
      return cron;
    }
    case v1::Schedule::kEveryMs:
      return EverySchedule{milliseconds(in.every_ms())};
    case v1::Schedule::kAfter:
      return AfterSchedule{{in.after().syncs().begin(), in.after().syncs().end()},
                           in.after().accept_partial()};
    default:
      return std::monostate();
  }
}

v1::Sync ToProto(const Sync& sync) {
  v1::Sync out;
  Write(sync.meta, out.mutable_metadata());
  out.set_model(sync.model);
  out.set_destination(sync.destination);
  out.set_object(sync.object);
  out.set_mode(static_cast<v1::Mode>(sync.mode));
  if (sync.on_removed.has_value()) out.set_on_removed(static_cast<v1::OnRemoved>(*sync.on_removed));
  out.mutable_identity()->Assign(sync.identity.begin(), sync.identity.end());
  for (const FieldMapping& field : sync.mapping) Write(field, out.add_mapping());
  CopyMap(sync.options, out.mutable_options());
  out.set_shared(sync.shared);
  Write(sync.schedule, out);
  if (sync.overlap.has_value()) out.set_overlap(static_cast<v1::Overlap>(*sync.overlap));
  v1::Guard& guard = *out.mutable_guard();
  guard.set_max_removed(sync.guard.max_removed);
  guard.set_max_removed_min(sync.guard.max_removed_min);
  guard.set_max_rejected(sync.guard.max_rejected);
  guard.set_max_rejected_min(sync.guard.max_rejected_min);
  if (sync.guard.max_changed.has_value()) guard.set_max_changed(*sync.guard.max_changed);
  v1::Delivery& delivery = *out.mutable_delivery();
  delivery.set_guarantee(static_cast<v1::Guarantee>(sync.delivery.guarantee));
  delivery.set_max_batch_records(sync.delivery.max_batch_records.value_or(0));
  delivery.set_max_in_flight(sync.delivery.max_in_flight.value_or(0));
  delivery.set_give_up_after_ms(sync.delivery.give_up_after.count());
  out.set_retry_from_ms(sync.on_rejected.from.count());
  out.set_retry_to_ms(sync.on_rejected.to.count());
  if (sync.on_change.has_value()) out.set_on_change(static_cast<v1::OnChange>(*sync.on_change));
  out.set_backfill(static_cast<v1::Backfill>(sync.backfill));
  out.set_on_mapping_change(static_cast<v1::OnMappingChange>(sync.on_mapping_change));
  return out;
}

Sync FromProto(const v1::Sync& in) {
  Sync sync{
      .meta = Read(in.metadata()),
      .model = in.model(),
      .destination = in.destination(),
      .object = in.object(),
      .mode = in.mode() == v1::MODE_UNSPECIFIED ? Mode::kUpsert : static_cast<Mode>(in.mode()),
      .identity = {in.identity().begin(), in.identity().end()},
      .shared = in.shared()};
  if (in.on_removed() != v1::ON_REMOVED_UNSPECIFIED)
    sync.on_removed = static_cast<OnRemoved>(in.on_removed());
  for (const v1::FieldMapping& field : in.mapping()) sync.mapping.push_back(Read(field));
  ReadMap(in.options(), sync.options);
  sync.schedule = FromProto(in.schedule());
  if (in.overlap() != v1::OVERLAP_UNSPECIFIED) sync.overlap = static_cast<Overlap>(in.overlap());
  if (in.has_guard()) {
    sync.guard = {in.guard().max_removed(), in.guard().max_removed_min(), in.guard().max_rejected(),
                  in.guard().max_rejected_min()};
    if (in.guard().has_max_changed()) sync.guard.max_changed = in.guard().max_changed();
  }
  if (in.delivery().guarantee() == v1::GUARANTEE_AT_MOST_ONCE)
    sync.delivery.guarantee = Guarantee::kAtMostOnce;
  if (in.delivery().max_batch_records() > 0)
    sync.delivery.max_batch_records = in.delivery().max_batch_records();
  if (in.delivery().max_in_flight() > 0)
    sync.delivery.max_in_flight = in.delivery().max_in_flight();
  if (in.delivery().give_up_after_ms() > 0)
    sync.delivery.give_up_after = milliseconds(in.delivery().give_up_after_ms());
  if (in.retry_from_ms() > 0) sync.on_rejected.from = milliseconds(in.retry_from_ms());
  if (in.retry_to_ms() > 0) sync.on_rejected.to = milliseconds(in.retry_to_ms());
  if (in.on_change() != v1::ON_CHANGE_UNSPECIFIED)
    sync.on_change = static_cast<OnChange>(in.on_change());
  if (in.backfill() == v1::BACKFILL_NONE) sync.backfill = Backfill::kNone;
  if (in.on_mapping_change() == v1::ON_MAPPING_CHANGE_CHANGED_ROWS_ONLY)
    sync.on_mapping_change = OnMappingChange::kChangedRowsOnly;
  return sync;
}

v1::Resource ToProto(const Resource& resource) {
  v1::Resource out;
  struct Visitor {
    v1::Resource& out;
    void operator()(const Source& r) const { *out.mutable_source() = ToProto(r); }
    void operator()(const Model& r) const { *out.mutable_model() = ToProto(r); }
    void operator()(const Destination& r) const { *out.mutable_destination() = ToProto(r); }
    void operator()(const Connector& r) const { *out.mutable_connector() = ToProto(r); }
    void operator()(const Sync& r) const { *out.mutable_sync() = ToProto(r); }
  };
  std::visit(Visitor{out}, resource);
  return out;
}

absl::StatusOr<Resource> FromProto(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kSource:
      return FromProto(resource.source());
    case v1::Resource::kModel:
      return FromProto(resource.model());
    case v1::Resource::kDestination:
      return FromProto(resource.destination());
    case v1::Resource::kConnector:
      return FromProto(resource.connector());
    case v1::Resource::kSync:
      return FromProto(resource.sync());
    default:
      return Error(ErrorCode::kINVALID_REQUEST, "a resource without a kind");
  }
}

}  // namespace penstock

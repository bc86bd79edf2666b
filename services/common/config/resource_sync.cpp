#include "services/common/config/resource_kinds.h"

namespace penstock {
namespace {

constexpr Choice<Mode> kModes[] = {{"upsert", Mode::kUpsert}, {"update", Mode::kUpdate},
                                   {"insert", Mode::kInsert}, {"mirror", Mode::kMirror},
                                   {"append", Mode::kAppend}, {"audience", std::nullopt}};
constexpr Choice<OnRemoved> kOnRemoved[] = {{"keep", OnRemoved::kKeep},
                                            {"delete", OnRemoved::kDelete}};
constexpr Choice<Guarantee> kGuarantees[] = {{"at_least_once", Guarantee::kAtLeastOnce},
                                             {"at_most_once", Guarantee::kAtMostOnce}};
constexpr Choice<Overlap> kOverlaps[] = {{"skip", Overlap::kSkip}, {"queue", Overlap::kQueue}};
constexpr Choice<OnMappingChange> kOnMappingChange[] = {
    {"resync", OnMappingChange::kResync}, {"changed_rows_only", OnMappingChange::kChangedRowsOnly}};
constexpr Choice<OnChange> kOnChange[] = {{"ignore", OnChange::kIgnore}, {"send", OnChange::kSend}};
constexpr Choice<Backfill> kBackfill[] = {{"all", Backfill::kAll}, {"none", Backfill::kNone}};

constexpr Field<AfterSchedule> kAfter[] = {
    {"syncs", Into<&AfterSchedule::syncs>, "Those that must have succeeded since", true},
    {"accept_partial", Into<&AfterSchedule::accept_partial>,
     "A run that is PARTIAL is success enough; default: false"},
};

struct ScheduleFields {
  std::optional<std::string> cron;
  std::optional<std::string> timezone;
  std::optional<milliseconds> every;
  std::optional<AfterSchedule> after;
};

constexpr Field<ScheduleFields> kSchedule[] = {
    {"cron", Into<&ScheduleFields::cron>,
     "Minute, hour, day of month, month, day of week; or @hourly, @daily, …"},
    {"timezone", Into<&ScheduleFields::timezone>, "IANA zone of cron's clock; default: UTC"},
    {"every", Into<&ScheduleFields::every>, "So far apart, aligned to 00:00 UTC"},
    {"after", Into<&ScheduleFields::after, OptionalForm<FieldsForm<kAfter>>>,
     "When other Syncs have succeeded"},
};

struct ScheduleForm {
  static void Read(const YamlValue& value, const FieldScope& scope, Schedule& out) {
    ScheduleFields fields;
    ReadFields<ScheduleFields>(value, scope, kSchedule, fields);
    const int kinds = fields.cron.has_value() + fields.every.has_value() + fields.after.has_value();
    if (kinds > 1) return scope.Fail("has more than one of cron, every and after; keep one");
    if (value.kind == YamlValue::Kind::kMap && value.members.empty())
      return scope.Fail("needs one of cron, every and after; without a schedule leave it out");
    if (fields.timezone.has_value() && !fields.cron.has_value())
      return scope.Fail("has a timezone, which belongs to cron; every is aligned to 00:00 UTC");
    if (fields.cron.has_value())
      out = CronSchedule{*fields.cron, fields.timezone.value_or(CronSchedule().timezone)};
    if (fields.every.has_value()) out = EverySchedule{*fields.every};
    if (fields.after.has_value()) out = *std::move(fields.after);
  }
  static JsonSchema Schema() {
    JsonSchema schema = FieldsSchema<ScheduleFields>(kSchedule);
    boost::json::array one_of;
    for (const std::string_view kind : {"cron", "every", "after"})
      one_of.emplace_back(JsonSchema{{"required", boost::json::array{kind}}});
    schema["oneOf"] = std::move(one_of);
    schema["dependencies"] = JsonSchema{{"timezone", boost::json::array{"cron"}}};
    return schema;
  }
};

constexpr Field<Guard> kGuard[] = {
    {"max_removed", Into<&Guard::max_removed, FractionForm>,
     "Part of the delivered rows that a run may remove …; default: 10%"},
    {"max_removed_min", Into<&Guard::max_removed_min>,
     "… when it is more rows than this; default: 100"},
    {"max_rejected", Into<&Guard::max_rejected, FractionForm>,
     "Part of the sent records that may be rejected before the run fails …; default: 50%"},
    {"max_rejected_min", Into<&Guard::max_rejected_min>,
     "… once this many were sent; default: 1000"},
    {"max_changed", Into<&Guard::max_changed, OptionalForm<FractionForm>>,
     "Part of the delivered rows that may have changed under one mapping; default: any"},
};

constexpr Field<Delivery> kDelivery[] = {
    {"guarantee", Into<&Delivery::guarantee, ChoiceForm<kGuarantees>>,
     "at_most_once: what may have been sent is not sent again; default: at_least_once"},
    {"max_batch_records", Into<&Delivery::max_batch_records>,
     "Fewer records of a request than the connector allows"},
    {"max_in_flight", Into<&Delivery::max_in_flight>,
     "Most batches on their way at once, over all loaders"},
    {"give_up_after", Into<&Delivery::give_up_after>,
     "How long a run waits for its destination before it fails; default: 24h"},
};

constexpr Field<RetryDeferred> kOnRejected[] = {
    {"retry_from", Into<&RetryDeferred::from>,
     "First wait before a rejected record is tried again; it doubles; default: 1h"},
    {"retry_to", Into<&RetryDeferred::to>, "Longest such wait; default: 24h"},
};

constexpr Field<Sync> kSync[] = {
    {"model", Into<&Sync::model, NameForm>, "The Model whose rows are sent", true},
    {"destination", Into<&Sync::destination, NameForm>, "The Destination that gets them", true},
    {"object", Into<&Sync::object>, "What they become there: an object of its connector", true},
    {"mode", Into<&Sync::mode, ChoiceForm<kModes>>,
     "upsert creates and updates, update changes what is there, insert creates what is not, "
     "mirror upserts and removes what left the model, append sends each row once; default: upsert"},
    {"on_removed", Into<&Sync::on_removed, OptionalForm<ChoiceForm<kOnRemoved>>>,
     "What becomes of a record whose row left; default: mirror deletes, others keep"},
    {"identity", Into<&Sync::identity>,
     "Mapped fields by which the destination knows a record, after their transforms", true},
    {"mapping", Into<&Sync::mapping, MappingForm>,
     "Destination field: column, or {from | value | template | columns, …}", true},
    {"options", Into<&Sync::options, MapForm<PlainForm>>, "What the connector's object declares"},
    {"shared", Into<&Sync::shared>, "Beside a Sync that removes, others write to its target"},
    {"schedule", Into<&Sync::schedule, ScheduleForm>, "When it starts by itself; default: by hand"},
    {"overlap", Into<&Sync::overlap, OptionalForm<ChoiceForm<kOverlaps>>>,
     "What a due time does that meets an active run; default: skip"},
    {"guard", Into<&Sync::guard, FieldsForm<kGuard>>, "Limits beyond which a run holds back"},
    {"delivery", Into<&Sync::delivery, FieldsForm<kDelivery>>, "How records are delivered"},
    {"on_rejected", Into<&Sync::on_rejected, FieldsForm<kOnRejected>>,
     "When a rejected record is tried again that has not changed"},
    {"on_mapping_change", Into<&Sync::on_mapping_change, ChoiceForm<kOnMappingChange>>,
     "What is sent after the mapping changed: all rows (resync), or changed_rows_only; default: "
     "resync"},
    {"on_change", Into<&Sync::on_change, OptionalForm<ChoiceForm<kOnChange>>>,
     "Of mode append: what becomes of a row that changes after it was sent; default: ignore"},
    {"backfill", Into<&Sync::backfill, ChoiceForm<kBackfill>>,
     "What becomes of the rows of the first run: all are sent, or none; default: all"},
};

}  // namespace

void FormOf<Sync>::Read(const YamlValue& spec, const FieldScope& scope, Sync& out) {
  ReadFields<Sync>(spec, scope, kSync, out);
}
JsonSchema FormOf<Sync>::Schema() {
  return FieldsSchema<Sync>(kSync);
}

}  // namespace penstock

#include <span>

#include "services/common/config/resource_kinds.h"
#include "services/common/config/resource_values.h"

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

void ReadMode(const YamlValue& value, const FieldScope& scope, Mode& out) {
  ReadChoice<Mode>(value, scope, kModes, out);
}

void ReadOnRemoved(const YamlValue& value, const FieldScope& scope, std::optional<OnRemoved>& out) {
  ReadChoice<OnRemoved>(value, scope, kOnRemoved, out.emplace(OnRemoved::kKeep));
}

void ReadOnMappingChange(const YamlValue& value, const FieldScope& scope, OnMappingChange& out) {
  ReadChoice<OnMappingChange>(value, scope, kOnMappingChange, out);
}

void ReadOnChange(const YamlValue& value, const FieldScope& scope, std::optional<OnChange>& out) {
  ReadChoice<OnChange>(value, scope, kOnChange, out.emplace(OnChange::kIgnore));
}

void ReadBackfill(const YamlValue& value, const FieldScope& scope, Backfill& out) {
  ReadChoice<Backfill>(value, scope, kBackfill, out);
}

void ReadMaxChanged(const YamlValue& value, const FieldScope& scope, std::optional<double>& out) {
  ReadFraction(value, scope, out.emplace(1));
}

constexpr Field<AfterSchedule> kAfter[] = {
    {"syncs", Into<&AfterSchedule::syncs>},
    {"accept_partial", Into<&AfterSchedule::accept_partial>},
};

void ReadAfter(const YamlValue& value, const FieldScope& scope, std::optional<AfterSchedule>& out) {
  ReadFields<AfterSchedule>(value, scope, kAfter, out.emplace());
}

struct ScheduleFields {
  std::optional<std::string> cron;
  std::optional<std::string> timezone;
  std::optional<milliseconds> every;
  std::optional<AfterSchedule> after;
};

constexpr Field<ScheduleFields> kSchedule[] = {
    {"cron", Into<&ScheduleFields::cron>},
    {"timezone", Into<&ScheduleFields::timezone>},
    {"every", Into<&ScheduleFields::every>},
    {"after", IntoBy<&ScheduleFields::after, ReadAfter>},
};

void ReadSchedule(const YamlValue& value, const FieldScope& scope, Schedule& out) {
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

void ReadOverlap(const YamlValue& value, const FieldScope& scope, std::optional<Overlap>& out) {
  ReadChoice<Overlap>(value, scope, kOverlaps, out.emplace(Overlap::kSkip));
}

constexpr Field<Guard> kGuard[] = {
    {"max_removed", IntoBy<&Guard::max_removed, ReadFraction>},
    {"max_removed_min", Into<&Guard::max_removed_min>},
    {"max_rejected", IntoBy<&Guard::max_rejected, ReadFraction>},
    {"max_rejected_min", Into<&Guard::max_rejected_min>},
    {"max_changed", IntoBy<&Guard::max_changed, ReadMaxChanged>},
};

void ReadGuard(const YamlValue& value, const FieldScope& scope, Guard& out) {
  ReadFields<Guard>(value, scope, kGuard, out);
}

void ReadGuarantee(const YamlValue& value, const FieldScope& scope, Guarantee& out) {
  ReadChoice<Guarantee>(value, scope, kGuarantees, out);
}

constexpr Field<Delivery> kDelivery[] = {
    {"guarantee", IntoBy<&Delivery::guarantee, ReadGuarantee>},
    {"max_batch_records", Into<&Delivery::max_batch_records>},
    {"max_in_flight", Into<&Delivery::max_in_flight>},
    {"give_up_after", Into<&Delivery::give_up_after>},
};

void ReadDelivery(const YamlValue& value, const FieldScope& scope, Delivery& out) {
  ReadFields<Delivery>(value, scope, kDelivery, out);
}

constexpr Field<RetryDeferred> kOnRejected[] = {
    {"retry_from", Into<&RetryDeferred::from>},
    {"retry_to", Into<&RetryDeferred::to>},
};

void ReadOnRejected(const YamlValue& value, const FieldScope& scope, RetryDeferred& out) {
  ReadFields<RetryDeferred>(value, scope, kOnRejected, out);
}

constexpr Field<Sync> kSync[] = {
    {"model", Into<&Sync::model>},
    {"destination", Into<&Sync::destination>},
    {"object", Into<&Sync::object>},
    {"mode", IntoBy<&Sync::mode, ReadMode>},
    {"on_removed", IntoBy<&Sync::on_removed, ReadOnRemoved>},
    {"identity", Into<&Sync::identity>},
    {"mapping", IntoBy<&Sync::mapping, ReadMapping>},
    {"options", IntoBy<&Sync::options, ReadTexts>},
    {"shared", Into<&Sync::shared>},
    {"schedule", IntoBy<&Sync::schedule, ReadSchedule>},
    {"overlap", IntoBy<&Sync::overlap, ReadOverlap>},
    {"guard", IntoBy<&Sync::guard, ReadGuard>},
    {"delivery", IntoBy<&Sync::delivery, ReadDelivery>},
    {"on_rejected", IntoBy<&Sync::on_rejected, ReadOnRejected>},
    {"on_mapping_change", IntoBy<&Sync::on_mapping_change, ReadOnMappingChange>},
    {"on_change", IntoBy<&Sync::on_change, ReadOnChange>},
    {"backfill", IntoBy<&Sync::backfill, ReadBackfill>},
};

}  // namespace

void ReadSpec(const YamlValue& spec, const FieldScope& scope, Sync& out) {
  ReadFields<Sync>(spec, scope, kSync, out);
}

}  // namespace penstock

#include <span>

#include "services/common/config/resource_kinds.h"
#include "services/common/config/resource_values.h"

namespace penstock {
namespace {

constexpr Choice<Mode> kModes[] = {{"upsert", Mode::kUpsert}, {"update", Mode::kUpdate},
                                   {"insert", Mode::kInsert}, {"mirror", Mode::kMirror},
                                   {"append", std::nullopt},  {"audience", std::nullopt}};
constexpr Choice<OnRemoved> kOnRemoved[] = {{"keep", OnRemoved::kKeep},
                                            {"delete", OnRemoved::kDelete}};
constexpr Choice<Guarantee> kGuarantees[] = {{"at_least_once", Guarantee::kAtLeastOnce},
                                             {"at_most_once", Guarantee::kAtMostOnce}};
// All rows are sent once more after a changed mapping; that is all this version does.
constexpr Choice<bool> kOnMappingChange[] = {{"resync", true}, {"changed_rows_only", std::nullopt}};

void ReadMode(const YamlValue& value, const FieldScope& scope, Mode& out) {
  ReadChoice<Mode>(value, scope, kModes, out);
}

void ReadOnRemoved(const YamlValue& value, const FieldScope& scope, std::optional<OnRemoved>& out) {
  ReadChoice<OnRemoved>(value, scope, kOnRemoved, out.emplace(OnRemoved::kKeep));
}

void ReadOnMappingChange(const YamlValue& value, const FieldScope& scope, Sync&) {
  bool resync = true;
  ReadChoice<bool>(value, scope, kOnMappingChange, resync);
}

void ReadEvery(const YamlValue& value, const FieldScope& scope, Schedule& out) {
  Read(value, scope, out.every);
  out.kind = Schedule::Kind::kEvery;
}

constexpr Field<Schedule> kSchedule[] = {{"every", ReadEvery}, {"cron"}, {"timezone"}, {"after"}};

void ReadSchedule(const YamlValue& value, const FieldScope& scope, Schedule& out) {
  ReadFields<Schedule>(value, scope, kSchedule, out);
}

constexpr Field<Guard> kGuard[] = {
    {"max_removed", IntoBy<&Guard::max_removed, ReadFraction>},
    {"max_removed_min", Into<&Guard::max_removed_min>},
    {"max_rejected", IntoBy<&Guard::max_rejected, ReadFraction>},
    {"max_rejected_min", Into<&Guard::max_rejected_min>},
    {"max_changed"},
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
    {"guard", IntoBy<&Sync::guard, ReadGuard>},
    {"delivery", IntoBy<&Sync::delivery, ReadDelivery>},
    {"on_rejected", IntoBy<&Sync::on_rejected, ReadOnRejected>},
    {"on_mapping_change", ReadOnMappingChange},
    {"on_change"},
    {"backfill"},
    {"overlap"},
};

}  // namespace

void ReadSpec(const YamlValue& spec, const FieldScope& scope, Sync& out) {
  ReadFields<Sync>(spec, scope, kSync, out);
}

}  // namespace penstock

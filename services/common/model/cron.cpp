#include "services/common/model/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "fmt/format.h"
#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

// A list of all sixty minutes has 169 characters.
constexpr size_t kLongest = 1000;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"SUN", "MON", "TUE", "WED",
                                                       "THU", "FRI", "SAT"};
constexpr std::array<int, 13> kLongestMonth = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

struct FieldRule {
  std::string_view name;
  int first;
  int last;
  std::span<const std::string_view> names;  // of the values from `first` on
};
enum Field { kMinute, kHour, kDay, kMonth, kWeekday, kFields };
constexpr std::array<FieldRule, kFields> kRules = {{{"minute", 0, 59, {}},
                                                    {"hour", 0, 23, {}},
                                                    {"day of month", 1, 31, {}},
                                                    {"month", 1, 12, kMonths},
                                                    {"day of week", 0, 7, kWeekdays}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNicknames = {
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};

absl::Status Wrong(std::string_view message) {
  return Error(ErrorCode::kINVALID_REQUEST, message);
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words = Split(text, " \t\r\n");
  std::erase(words, std::string_view());
  return words;
}

std::optional<int> Number(std::string_view text) {
  uint16_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

// Reads one field into the set of its values.
class FieldReader {
 public:
  explicit FieldReader(Field field) : rule_(kRules[field]) {}

  // Bit n: the value n is in it.
  absl::StatusOr<uint64_t> Read(std::string_view text) const {
    uint64_t all = 0;
    for (std::string_view item : Split(text, ",")) {
      if (item.empty())
        return Wrong(fmt::format("{} \"{}\" has an empty item; remove a comma", rule_.name, text));
      PENSTOCK_ASSIGN_OR_RETURN(const uint64_t some, ReadItem(item));
      all |= some;
    }
    return all;
  }

 private:
  struct Range {
    int first;
    int last;
  };

  absl::StatusOr<uint64_t> ReadItem(std::string_view item) const {
    const size_t slash = item.find('/');
    PENSTOCK_ASSIGN_OR_RETURN(const Range range, ReadRange(item.substr(0, slash), item));
    int step = 1;
    if (slash != item.npos) {
      PENSTOCK_ASSIGN_OR_RETURN(step, ReadStep(item, slash));
    }
    uint64_t values = 0;
    for (int value = range.first; value <= range.last; value += step)
      values |= uint64_t{1} << value;
    return values;
  }

  absl::StatusOr<Range> ReadRange(std::string_view text, std::string_view item) const {
    // Sunday has two numbers.
    const int last = rule_.last == 7 ? 6 : rule_.last;
    if (text == "*") return Range{rule_.first, last};
    const size_t dash = text.find('-');
    PENSTOCK_ASSIGN_OR_RETURN(const int first, ReadValue(text.substr(0, dash), item));
    if (dash == text.npos) return Range{first, first};
    PENSTOCK_ASSIGN_OR_RETURN(int end, ReadValue(text.substr(dash + 1), item));
    if (rule_.last == 7 && end == 0 && first > 0) end = 7;
    if (end < first)
      return Wrong(fmt::format("{} \"{}\" ends before it begins; write {}-{},{}-{}", rule_.name,
                               text, first, rule_.last, rule_.first, end));
    return Range{first, end};
  }

  absl::StatusOr<int> ReadValue(std::string_view text, std::string_view item) const {
    std::string upper(text);
    absl::AsciiStrToUpper(&upper);
    const auto name = std::find(rule_.names.begin(), rule_.names.end(), upper);
    if (name != rule_.names.end())
      return rule_.first + static_cast<int>(name - rule_.names.begin());
    const std::optional<int> number = Number(text);
    if (number.has_value() && *number >= rule_.first && *number <= rule_.last) return *number;
    const std::string names =
        rule_.names.empty() ? ""
                            : fmt::format(" or {} to {}", rule_.names.front(), rule_.names.back());
    return Wrong(fmt::format("{} takes {} to {}{}, with *, lists, ranges and steps, not \"{}\"{}",
                             rule_.name, rule_.first, rule_.last, names, item,
                             DidYouMean(upper, rule_.names)));
  }

  absl::StatusOr<int> ReadStep(std::string_view item, size_t slash) const {
    const std::string_view before = item.substr(0, slash);
    if (before != "*" && before.find('-') == before.npos)
      return Wrong(fmt::format("{} \"{}\" has a step without a range; write {}-{}{}", rule_.name,
                               item, before, rule_.last, item.substr(slash)));
    const int most = rule_.last == 7 ? 6 : rule_.last - rule_.first;
    const std::optional<int> step = Number(item.substr(slash + 1));
    if (step.has_value() && *step >= 1 && *step <= most) return *step;
    return Wrong(
        fmt::format("{} \"{}\" has a step that is not from 1 to {}; for longer intervals use every",
                    rule_.name, item, most));
  }

  const FieldRule& rule_;
};

absl::StatusOr<std::string_view> OfNickname(std::string_view text) {
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& [name, expression] : kNicknames) {
    if (name == text) return expression;
    names.push_back(name);
    list += fmt::format("{}, ", name);
  }
  const std::string meant = DidYouMean(text, names);
  return Wrong(fmt::format("there is no \"{}\"{}", text,
                           meant.empty() ? "; use " + list + "or every for intervals" : meant));
}

constexpr std::string_view kFormHint =
    "cron takes five: minute, hour, day of month, month, day of week, like \"*/15 8-18 * * "
    "MON-FRI\"";

absl::Status WrongCount(std::string_view text, const std::vector<std::string_view>& words) {
  if (words.empty()) return Wrong(fmt::format("is empty; {}", kFormHint));
  const std::string_view first = words.front();
  const size_t equals = first.find('=');
  if (first.starts_with("TZ=") || first.starts_with("CRON_TZ="))
    return Wrong(fmt::format("\"{}\" stands in the expression; write it as timezone: {}", first,
                             first.substr(equals + 1)));
  return Wrong(fmt::format("\"{}\" has {} field{}; {}{}", text, words.size(),
                           words.size() == 1 ? "" : "s", kFormHint,
                           words.size() == 6 ? "; there are no seconds and no years" : ""));
}

}  // namespace

absl::StatusOr<Cron> Cron::Parse(std::string_view text) {
  if (text.size() > kLongest)
    return Wrong(fmt::format("has {} characters, and cron takes {} at most; use ranges and steps",
                             text.size(), kLongest));
  std::vector<std::string_view> words = Words(text);
  if (!words.empty() && words.front().starts_with('@')) {
    PENSTOCK_ASSIGN_OR_RETURN(const std::string_view expression, OfNickname(text));
    words = Words(expression);
  }
  if (words.size() != kFields) return WrongCount(text, words);
  std::array<uint64_t, kFields> values;
  for (int field = 0; field < kFields; ++field) {
    PENSTOCK_ASSIGN_OR_RETURN(values[field],
                              FieldReader(static_cast<Field>(field)).Read(words[field]));
  }
  Cron cron;
  cron.minutes_ = values[kMinute];
  cron.hours_ = values[kHour];
  cron.days_ = values[kDay];
  cron.months_ = values[kMonth];
  cron.weekdays_ = values[kWeekday];
  cron.weekdays_[0] = cron.weekdays_[0] || cron.weekdays_[7];
  cron.any_hour_ = words[kHour].starts_with('*');
  cron.any_day_ = words[kDay].starts_with('*');
  cron.any_weekday_ = words[kWeekday].starts_with('*');
  if (!cron.EverComes())
    return Wrong(
        fmt::format("\"{}\" never comes due: no month of it has a day {}", text, words[kDay]));
  return cron;
}

// Every date is each day of the week in some year, so only the days of the months can be too short.
bool Cron::EverComes() const {
  if (!any_day_ && !any_weekday_) return true;
  for (size_t month = 1; month < months_.size(); ++month) {
    if (!months_[month]) continue;
    for (int day = 1; day <= kLongestMonth[month]; ++day) {
      if (days_[static_cast<size_t>(day)]) return true;
    }
  }
  return false;
}

bool Cron::HasDay(absl::CivilDay day) const {
  const bool in_month = days_[static_cast<size_t>(day.day())];
  // absl::Weekday begins with Monday.
  const bool in_week = weekdays_[(static_cast<size_t>(absl::GetWeekday(day)) + 1) % 7];
  return any_day_ || any_weekday_ ? in_month && in_week : in_month || in_week;
}

// The first minute of a calendar, from `at` on, that fits.
absl::CivilMinute Cron::FirstFrom(absl::CivilMinute at) const {
  for (;;) {
    if (!months_[static_cast<size_t>(at.month())]) {
      at = absl::CivilMinute(absl::CivilMonth(at) + 1);
    } else if (!HasDay(absl::CivilDay(at))) {
      at = absl::CivilMinute(absl::CivilDay(at) + 1);
    } else if (!hours_[static_cast<size_t>(at.hour())]) {
      at = absl::CivilMinute(absl::CivilHour(at) + 1);
    } else if (!minutes_[static_cast<size_t>(at.minute())]) {
      ++at;
    } else {
      return at;
    }
  }
}

absl::Time Cron::NextOfGivenHours(absl::Time from, const absl::TimeZone& zone) const {
  // Clocks that go back show minutes that were due before.
  for (absl::CivilMinute at(zone.At(from).cs);; ++at) {
    at = FirstFrom(at);
    const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(at));
    const bool skipped = info.kind == absl::TimeZone::TimeInfo::SKIPPED;
    const absl::Time due = skipped ? info.trans : info.pre;
    if (due >= from) return due;
  }
}

absl::Time Cron::NextOfAnyHour(absl::Time from, const absl::TimeZone& zone) const {
  // Between two changes clocks run evenly.
  for (;;) {
    absl::TimeZone::CivilTransition change;
    const absl::Time end = zone.NextTransition(from, &change)
                               ? zone.At(std::min(change.from, change.to)).trans
                               : absl::InfiniteFuture();
    const absl::TimeZone::CivilInfo shown = zone.At(from);
    absl::CivilMinute at(shown.cs);
    if (absl::CivilSecond(at) < shown.cs || shown.subsecond > absl::ZeroDuration()) ++at;
    const int64_t seconds = absl::CivilSecond(FirstFrom(at)) - shown.cs;
    const absl::Time due = from - shown.subsecond + absl::Seconds(seconds);
    if (due < end) return due;
    from = end;
  }
}

WallTime Cron::NextDue(WallTime after, const absl::TimeZone& zone) const {
  const absl::Time from = absl::FromUnixMicros(after.time_since_epoch().count() + 1);
  const absl::Time due = any_hour_ ? NextOfAnyHour(from, zone) : NextOfGivenHours(from, zone);
  return WallTime(std::chrono::microseconds(absl::ToUnixMicros(due)));
}

}  // namespace penstock

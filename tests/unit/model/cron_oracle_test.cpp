#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "services/common/core/random.h"
#include "services/common/core/time_zone.h"
#include "services/common/model/cron.h"

// Random expressions against an oracle that knows nothing of calendars or gaps: it walks minute by
// minute and looks at what the clock on the wall shows. PENSTOCK_SEED takes another seed.
namespace penstock {
namespace {

constexpr int kCases = 4000;
constexpr uint64_t kDefaultSeed = 20260329;
// The oracle looks no further ahead.
constexpr absl::Duration kHorizon = absl::Hours(24 * 4);
// No clock has gone back by more than a day.
constexpr absl::Duration kMemory = absl::Hours(25);

constexpr const char* kZones[] = {"UTC",
                                  "Europe/Berlin",
                                  "America/New_York",
                                  "Australia/Lord_Howe",
                                  "Asia/Kathmandu",
                                  "Africa/Casablanca",
                                  "Pacific/Apia",
                                  "America/Havana",
                                  "Asia/Pyongyang",
                                  "Antarctica/Troll"};

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int From(int first, int last) {
    return first + static_cast<int>(random_.Next() % static_cast<uint64_t>(last - first + 1));
  }
  bool Chance(int percent) { return From(1, 100) <= percent; }

 private:
  SeededRandom random_;
};

// A field with the values that it stands for, drawn together, so that nothing is parsed here.
struct DrawnField {
  std::string text;
  std::set<int> values;
  bool star = false;
};

void Add(DrawnField& field, int from, int to, int step) {
  for (int value = from; value <= to; value += step) field.values.insert(value);
}

DrawnField DrawList(Draw& draw, int first, int last) {
  DrawnField out;
  for (int items = draw.From(1, 3); items > 0; --items) {
    const int from = draw.From(first, last), to = draw.From(from, last);
    const int step = draw.Chance(50) ? 1 : draw.From(1, last - first);
    if (!out.text.empty()) out.text += ",";
    if (draw.Chance(50)) {
      out.text += std::to_string(from);
      Add(out, from, from, 1);
    } else {
      out.text += fmt::format("{}-{}", from, to);
      if (step > 1) out.text += fmt::format("/{}", step);
      Add(out, from, to, step);
    }
  }
  return out;
}

DrawnField DrawField(Draw& draw, int first, int last, int free_percent) {
  const bool free = draw.Chance(free_percent);
  if (!free && draw.Chance(70)) return DrawList(draw, first, last);
  const int step = free ? 1 : draw.From(1, last - first);
  DrawnField out{.text = free ? "*" : fmt::format("*/{}", step), .star = true};
  Add(out, first, last, step);
  return out;
}

struct DrawnCron {
  DrawnField minute, hour, day, month, weekday;
  std::string Text() const {
    return fmt::format("{} {} {} {} {}", minute.text, hour.text, day.text, month.text,
                       weekday.text);
  }
  bool Fits(absl::CivilMinute at) const {
    if (!minute.values.contains(at.minute()) || !hour.values.contains(at.hour()) ||
        !month.values.contains(at.month()))
      return false;
    const bool in_month = day.values.contains(at.day());
    const int number = static_cast<int>(absl::GetWeekday(absl::CivilDay(at))) + 1;  // Monday: 1
    const bool in_week =
        weekday.values.contains(number) || (number == 7 && weekday.values.contains(0));
    return day.star || weekday.star ? in_month && in_week : in_month || in_week;
  }
};

DrawnCron DrawCron(Draw& draw) {
  return {.minute = DrawField(draw, 0, 59, 20),
          .hour = draw.Chance(30) ? DrawList(draw, 0, 3) : DrawField(draw, 0, 23, 35),
          .day = DrawField(draw, 1, 31, 75),
          .month = DrawField(draw, 1, 12, 85),
          .weekday = DrawField(draw, 0, 6, 75)};
}

// What is due when the clock moves on to `shown`: minutes that it has not shown before, and so has
// jumped over, for given hours; what it shows for any.
bool IsDue(const DrawnCron& cron, absl::CivilMinute shown, absl::CivilMinute latest) {
  if (cron.hour.star) return cron.Fits(shown);
  for (absl::CivilMinute at = latest + 1; at <= shown; ++at) {
    if (cron.Fits(at)) return true;
  }
  return false;
}

absl::Time WalkToNext(const DrawnCron& cron, absl::Time after, const absl::TimeZone& zone) {
  absl::Time at = absl::FromUnixSeconds((absl::ToUnixSeconds(after - kMemory) / 60) * 60);
  absl::CivilMinute latest(zone.At(at).cs);
  for (at += absl::Minutes(1); at <= after + kHorizon; at += absl::Minutes(1)) {
    const absl::CivilMinute shown(zone.At(at).cs);
    if (at > after && IsDue(cron, shown, latest)) return at;
    latest = std::max(latest, shown);
  }
  return absl::InfiniteFuture();
}

// Mostly near a change of the clocks.
absl::Time DrawTime(Draw& draw, const absl::TimeZone& zone) {
  const absl::Time any =
      absl::FromCivil(absl::CivilSecond(draw.From(1990, 2045), draw.From(1, 12), draw.From(1, 31),
                                        draw.From(0, 23), draw.From(0, 59), draw.From(0, 59)),
                      absl::UTCTimeZone());
  absl::TimeZone::CivilTransition change;
  if (draw.Chance(20) || !zone.NextTransition(any, &change)) return any;
  return absl::FromCivil(change.from, zone) + absl::Seconds(draw.From(-2 * 86400, 6 * 3600));
}

TEST(CronOracle, AgreesWithAWalkMinuteByMinute) {
  const char* given = std::getenv("PENSTOCK_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : kDefaultSeed;
  fmt::print("PENSTOCK_SEED={}\n", seed);
  Draw draw(seed);
  int found = 0, tried = 0;
  while (tried < kCases) {
    const char* zone_name = kZones[draw.From(0, static_cast<int>(std::size(kZones)) - 1)];
    const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(zone_name);
    ASSERT_TRUE(zone.ok()) << zone.status();
    const DrawnCron drawn = DrawCron(draw);
    const absl::Time after = DrawTime(draw, *zone);
    const absl::StatusOr<Cron> cron = Cron::Parse(drawn.Text());
    if (!cron.ok()) {
      ASSERT_NE(cron.status().message().find("never comes due"), absl::string_view::npos)
          << cron.status();
      continue;
    }
    ++tried;
    const WallTime next =
        cron->NextDue(WallTime(std::chrono::microseconds(absl::ToUnixMicros(after))), *zone);
    const absl::Time due = absl::FromUnixMicros(next.time_since_epoch().count());
    const absl::Time walked = WalkToNext(drawn, after, *zone);
    const std::string what =
        fmt::format("{} in {} after {}", drawn.Text(), zone_name, absl::FormatTime(after, *zone));
    if (walked == absl::InfiniteFuture()) {
      ASSERT_GT(due, after + kHorizon) << what;
    } else {
      ++found;
      ASSERT_EQ(due, walked) << what << "\n got " << absl::FormatTime(due, *zone) << "\nwant "
                             << absl::FormatTime(walked, *zone);
    }
  }
  EXPECT_GT(found, kCases / 2);
}

}  // namespace
}  // namespace penstock

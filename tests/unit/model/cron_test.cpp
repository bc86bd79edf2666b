#include "services/common/model/cron.h"

#include <gmock/gmock.h>

#include "services/common/core/status.h"
#include "services/common/core/time_zone.h"
#include "services/common/model/schedule.h"

namespace penstock {
namespace {

using testing::ElementsAre;

absl::TimeZone Zone(std::string_view name) {
  const auto zone = FindTimeZone(name);
  EXPECT_TRUE(zone.ok()) << zone.status();
  return zone.value_or(absl::UTCTimeZone());
}

WallTime At(absl::Time time) {
  return WallTime(std::chrono::microseconds(absl::ToUnixMicros(time)));
}

// The next `count` due times after a local time of `zone_name`, as their clocks show them.
std::vector<std::string> Dues(std::string_view cron_text, std::string_view zone_name,
                              absl::CivilSecond after, int count) {
  const auto cron = Cron::Parse(cron_text);
  if (!cron.ok()) return {std::string(cron.status().message())};
  const absl::TimeZone zone = Zone(zone_name);
  WallTime at = At(absl::FromCivil(after, zone));
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    at = cron->NextDue(at, zone);
    out.push_back(absl::FormatTime("%Y-%m-%d %H:%M %Ez",
                                   absl::FromUnixMicros(at.time_since_epoch().count()), zone));
  }
  return out;
}

std::vector<std::string> InUtc(std::string_view cron, int count) {
  std::vector<std::string> out;
  for (const std::string& due :
       Dues(cron, "UTC", absl::CivilSecond(2026, 3, 31, 23, 59, 30), count))
    out.push_back(due.substr(0, 16));
  return out;
}

TEST(Cron, KnowsStepsRangesListsAndNames) {
  EXPECT_THAT(InUtc("*/20 * * * *", 4), ElementsAre("2026-04-01 00:00", "2026-04-01 00:20",
                                                    "2026-04-01 00:40", "2026-04-01 01:00"));
  EXPECT_THAT(InUtc("5 8-18/5,23 * * *", 4), ElementsAre("2026-04-01 08:05", "2026-04-01 13:05",
                                                         "2026-04-01 18:05", "2026-04-01 23:05"));
  EXPECT_THAT(InUtc("0 0 1 JAN,jul *", 2), ElementsAre("2026-07-01 00:00", "2027-01-01 00:00"));
  EXPECT_THAT(InUtc(" 0\t9  * * MON-FRI ", 4), ElementsAre("2026-04-01 09:00", "2026-04-02 09:00",
                                                           "2026-04-03 09:00", "2026-04-06 09:00"));
}

TEST(Cron, KnowsSundayAsZeroSevenAndTheEndOfTheWeek) {
  for (const char* sunday : {"0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "0 0 * * 7-7"})
    EXPECT_THAT(InUtc(sunday, 2), ElementsAre("2026-04-05 00:00", "2026-04-12 00:00")) << sunday;
  for (const char* weekend : {"0 0 * * 6-7", "0 0 * * SAT-SUN", "0 0 * * 6,0"})
    EXPECT_THAT(InUtc(weekend, 3),
                ElementsAre("2026-04-04 00:00", "2026-04-05 00:00", "2026-04-11 00:00"))
        << weekend;
}

TEST(Cron, KnowsItsNicknames) {
  EXPECT_THAT(InUtc("@hourly", 2), ElementsAre("2026-04-01 00:00", "2026-04-01 01:00"));
  EXPECT_THAT(InUtc("@daily", 2), ElementsAre("2026-04-01 00:00", "2026-04-02 00:00"));
  EXPECT_EQ(InUtc("@midnight", 3), InUtc("@daily", 3));
  EXPECT_THAT(InUtc("@weekly", 2), ElementsAre("2026-04-05 00:00", "2026-04-12 00:00"));
  EXPECT_THAT(InUtc("@monthly", 2), ElementsAre("2026-04-01 00:00", "2026-05-01 00:00"));
  EXPECT_THAT(InUtc("@yearly", 2), ElementsAre("2027-01-01 00:00", "2028-01-01 00:00"));
  EXPECT_EQ(InUtc("@annually", 3), InUtc("@yearly", 3));
}

TEST(Cron, TakesEitherOfTwoGivenDaysAndBothWhereOneBeginsWithAStar) {
  EXPECT_THAT(InUtc("0 0 13 * FRI", 4), ElementsAre("2026-04-03 00:00", "2026-04-10 00:00",
                                                    "2026-04-13 00:00", "2026-04-17 00:00"));
  EXPECT_THAT(InUtc("0 0 */2 * MON", 3),
              ElementsAre("2026-04-13 00:00", "2026-04-27 00:00", "2026-05-11 00:00"));
  // The day of the week alone brings it about, though April never has a day 31.
  EXPECT_THAT(InUtc("0 0 31 4 MON", 1), ElementsAre("2026-04-06 00:00"));
}

TEST(Cron, ComesDueOnLeapDays) {
  EXPECT_THAT(InUtc("0 12 29 2 *", 2), ElementsAre("2028-02-29 12:00", "2032-02-29 12:00"));
  // Of those that are Sundays.
  EXPECT_THAT(InUtc("0 12 29 2 */6", 1), ElementsAre("2032-02-29 12:00"));
}

TEST(Cron, ADueTimeIsLaterThanTheTimeAskedFor) {
  const Cron cron = *Cron::Parse("0 * * * *");
  const WallTime due = At(absl::FromUnixSeconds(3600));
  const absl::TimeZone utc = absl::UTCTimeZone();
  EXPECT_EQ(cron.NextDue(due - std::chrono::microseconds(1), utc), due);
  EXPECT_EQ(cron.NextDue(due, utc), due + std::chrono::hours(1));
}

// Clocks in Berlin: 2026-03-29 from 02:00 to 03:00, 2026-10-25 from 03:00 back to 02:00.

TEST(CronAtClockChanges, AGivenHourThatIsSkippedIsDueOnceWhenTheGapEnds) {
  const absl::CivilSecond eve(2026, 3, 28, 12);
  EXPECT_THAT(Dues("30 2 * * *", "Europe/Berlin", eve, 2),
              ElementsAre("2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"));
  EXPECT_THAT(Dues("*/15 2 * * *", "Europe/Berlin", eve, 2),
              ElementsAre("2026-03-29 03:00 +02:00", "2026-03-30 02:00 +02:00"));
  EXPECT_THAT(Dues("0 2,3 * * *", "Europe/Berlin", eve, 2),
              ElementsAre("2026-03-29 03:00 +02:00", "2026-03-30 02:00 +02:00"));
}

TEST(CronAtClockChanges, AGivenHourThatComesTwiceIsDueTheFirstTime) {
  const absl::CivilSecond eve(2026, 10, 24, 12);
  EXPECT_THAT(Dues("30 2 * * *", "Europe/Berlin", eve, 2),
              ElementsAre("2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"));
  EXPECT_THAT(Dues("*/30 2-3 * * *", "Europe/Berlin", eve, 4),
              ElementsAre("2026-10-25 02:00 +02:00", "2026-10-25 02:30 +02:00",
                          "2026-10-25 03:00 +01:00", "2026-10-25 03:30 +01:00"));
}

TEST(CronAtClockChanges, EveryHourFollowsTheClocks) {
  EXPECT_THAT(Dues("30 * * * *", "Europe/Berlin", absl::CivilSecond(2026, 3, 29, 1), 2),
              ElementsAre("2026-03-29 01:30 +01:00", "2026-03-29 03:30 +02:00"));
  EXPECT_THAT(
      Dues("30 * * * *", "Europe/Berlin", absl::CivilSecond(2026, 10, 25, 2), 3),
      ElementsAre("2026-10-25 02:30 +02:00", "2026-10-25 02:30 +01:00", "2026-10-25 03:30 +01:00"));
  EXPECT_THAT(
      Dues("0 */2 * * *", "Europe/Berlin", absl::CivilSecond(2026, 10, 25, 1), 3),
      ElementsAre("2026-10-25 02:00 +02:00", "2026-10-25 02:00 +01:00", "2026-10-25 04:00 +01:00"));
}

TEST(CronAtClockChanges, HalfAnHourOnLordHoweAndAWholeDayOnSamoa) {
  EXPECT_THAT(Dues("15 2 * * *", "Australia/Lord_Howe", absl::CivilSecond(2026, 10, 3, 12), 2),
              ElementsAre("2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"));
  EXPECT_THAT(Dues("45 1 * * *", "Australia/Lord_Howe", absl::CivilSecond(2026, 4, 4, 12), 2),
              ElementsAre("2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"));
  EXPECT_THAT(
      Dues("0 9 * * *", "Pacific/Apia", absl::CivilSecond(2011, 12, 29, 8), 3),
      ElementsAre("2011-12-29 09:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 09:00 +14:00"));
}

TEST(CronAtClockChanges, AMidnightThatIsSkippedIsDueAtTheDaysFirstMinute) {
  EXPECT_THAT(Dues("@daily", "America/Havana", absl::CivilSecond(2026, 3, 7, 12), 2),
              ElementsAre("2026-03-08 01:00 -04:00", "2026-03-09 00:00 -04:00"));
}

struct Case {
  std::string_view text;
  std::string_view message;
};

TEST(Cron, SaysWhatIsWrongAndWhatIsRight) {
  constexpr std::string_view kForm =
      "cron takes five: minute, hour, day of month, month, day of week, like \"*/15 8-18 * * "
      "MON-FRI\"";
  const std::string none = "is empty; " + std::string(kForm);
  const std::string four = "\"* * * *\" has 4 fields; " + std::string(kForm);
  const std::string one = "\"daily\" has 1 field; " + std::string(kForm);
  const std::string six = "\"0 0 12 * * *\" has 6 fields; " + std::string(kForm) +
                          "; there are no seconds and no years";
  const Case cases[] = {
      {"", none},
      {" ", none},
      {"* * * *", four},
      {"daily", one},
      {"0 0 12 * * *", six},
      {"CRON_TZ=Europe/Berlin 0 9 * * *",
       "\"CRON_TZ=Europe/Berlin\" stands in the expression; write it as timezone: Europe/Berlin"},
      {"60 * * * *", "minute takes 0 to 59, with *, lists, ranges and steps, not \"60\""},
      {"-1 * * * *", "minute takes 0 to 59, with *, lists, ranges and steps, not \"-1\""},
      {"1.5 * * * *", "minute takes 0 to 59, with *, lists, ranges and steps, not \"1.5\""},
      {"*5 * * * *", "minute takes 0 to 59, with *, lists, ranges and steps, not \"*5\""},
      {"99999999999 * * * *",
       "minute takes 0 to 59, with *, lists, ranges and steps, not \"99999999999\""},
      {"1,,2 * * * *", "minute \"1,,2\" has an empty item; remove a comma"},
      {"0 24 * * *", "hour takes 0 to 23, with *, lists, ranges and steps, not \"24\""},
      {"0 MON * * *", "hour takes 0 to 23, with *, lists, ranges and steps, not \"MON\""},
      {"0 22-6 * * *", "hour \"22-6\" ends before it begins; write 22-23,0-6"},
      {"0 1-2-3 * * *", "hour takes 0 to 23, with *, lists, ranges and steps, not \"1-2-3\""},
      {"5/15 * * * *", "minute \"5/15\" has a step without a range; write 5-59/15"},
      {"*/90 * * * *",
       "minute \"*/90\" has a step that is not from 1 to 59; for longer intervals use every"},
      {"*/0 * * * *",
       "minute \"*/0\" has a step that is not from 1 to 59; for longer intervals use every"},
      {"*/ * * * *",
       "minute \"*/\" has a step that is not from 1 to 59; for longer intervals use every"},
      {"0 0 0 * *", "day of month takes 1 to 31, with *, lists, ranges and steps, not \"0\""},
      {"0 0 L * *", "day of month takes 1 to 31, with *, lists, ranges and steps, not \"L\""},
      {"0 0 ? * *", "day of month takes 1 to 31, with *, lists, ranges and steps, not \"?\""},
      {"0 0 * 13 *",
       "month takes 1 to 12 or JAN to DEC, with *, lists, ranges and steps, not \"13\""},
      {"0 0 * JNA *",
       "month takes 1 to 12 or JAN to DEC, with *, lists, ranges and steps, not \"JNA\" (did you "
       "mean \"JAN\"?)"},
      {"0 0 * * 8",
       "day of week takes 0 to 7 or SUN to SAT, with *, lists, ranges and steps, not \"8\""},
      {"0 0 * * MONDAY",
       "day of week takes 0 to 7 or SUN to SAT, with *, lists, ranges and steps, not \"MONDAY\""},
      {"0 0 * * FRI-TUE", "day of week \"FRI-TUE\" ends before it begins; write 5-7,0-2"},
      {"0 0 * * */7",
       "day of week \"*/7\" has a step that is not from 1 to 6; for longer intervals use every"},
      {"0 0 30 2 *", "\"0 0 30 2 *\" never comes due: no month of it has a day 30"},
      {"0 0 31 4,6 *", "\"0 0 31 4,6 *\" never comes due: no month of it has a day 31"},
      {"0 0 30 2 */2", "\"0 0 30 2 */2\" never comes due: no month of it has a day 30"},
      {"@dayly", "there is no \"@dayly\" (did you mean \"@daily\"?)"},
      {"@every 5m",
       "there is no \"@every 5m\"; use @hourly, @daily, @midnight, @weekly, @monthly, @yearly, "
       "@annually, or every for intervals"},
  };
  for (const Case& one_case : cases) {
    const auto cron = Cron::Parse(one_case.text);
    ASSERT_FALSE(cron.ok()) << one_case.text;
    EXPECT_EQ(Std(cron.status().message()), one_case.message);
    EXPECT_EQ(CodeOf(cron.status()), ErrorCode::kINVALID_REQUEST);
  }
  EXPECT_EQ(Cron::Parse(std::string(2000, '*')).status().message(),
            "has 2000 characters, and cron takes 1000 at most; use ranges and steps");
}

TEST(TimeZones, AreFoundByTheirNamesOnly) {
  for (const char* name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"})
    EXPECT_TRUE(FindTimeZone(name).ok()) << name;
  const Case cases[] = {
      {"Europe/Berln", "there is no time zone \"Europe/Berln\" (did you mean \"Europe/Berlin\"?)"},
      {"europe/berlin",
       "there is no time zone \"europe/berlin\" (did you mean \"Europe/Berlin\"?)"},
      {"Berlin", "there is no time zone \"Berlin\" (did you mean \"Europe/Berlin\"?)"},
      {"", "there is no time zone \"\"; use an IANA name, like Europe/Berlin"},
      {"right/Europe/Berlin",
       "there is no time zone \"right/Europe/Berlin\" (did you mean \"Europe/Berlin\"?)"},
      {"Europe", "there is no time zone \"Europe\"; use an IANA name, like Europe/Berlin"},
      {"/etc/localtime",
       "there is no time zone \"/etc/localtime\"; use an IANA name, like Europe/Berlin"},
      {"Fixed/UTC+05:00:00",
       "there is no time zone \"Fixed/UTC+05:00:00\"; use an IANA name, like Europe/Berlin"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(Std(FindTimeZone(one.text).status().message()), one.message);
}

TEST(LongestInterval, IsTheWidestGapBetweenComingDueTimes) {
  const WallTime monday = At(absl::FromCivil(absl::CivilHour(2026, 3, 2, 12), Zone("UTC")));
  using std::chrono::hours;
  EXPECT_EQ(*LongestInterval(EverySchedule{std::chrono::minutes(5)}, monday),
            Duration(std::chrono::minutes(5)));
  EXPECT_EQ(*LongestInterval(CronSchedule{"0 9 * * 1-5", "UTC"}, monday), Duration(hours(72)));
  EXPECT_EQ(*LongestInterval(CronSchedule{"0 6,18 * * *", "UTC"}, monday), Duration(hours(12)));
  EXPECT_EQ(*LongestInterval(AfterSchedule{}, monday), Duration(0));
}

}  // namespace
}  // namespace penstock

#include "tests/integration/values/random_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "fmt/format.h"

namespace penstock {
namespace {

std::string Digits(Draw& draw, int64_t count) {
  std::string out;
  for (int64_t i = 0; i < count; ++i) out += static_cast<char>('0' + draw.From(0, 9));
  return out;
}

// Any, but often one near a bound.
template <typename Int>
std::string DrawInteger(Draw& draw) {
  constexpr int64_t kLeast = std::numeric_limits<Int>::min(),
                    kMost = std::numeric_limits<Int>::max();
  switch (draw.From(0, 3)) {
    case 0:
      return std::to_string(kLeast + draw.From(0, 2));
    case 1:
      return std::to_string(kMost - draw.From(0, 2));
    case 2:
      return std::to_string(draw.From(kLeast < 0 ? -3 : 0, 3));
    default:
      return std::to_string(draw.From(kLeast, kMost));
  }
}

// Around 2^53, where a double begins to lose digits, and anywhere else.
std::string DrawInt8(Draw& draw) {
  constexpr int64_t kExact = int64_t{1} << 53;
  if (draw.OneIn(2)) return DrawInteger<int64_t>(draw);
  return std::to_string((draw.OneIn(2) ? kExact : -kExact) + draw.From(-2, 2));
}

std::string DrawNumeric(Draw& draw) {
  const int64_t longest = draw.OneIn(10) ? 3000 : 25;
  std::string out = draw.OneIn(2) ? "-" : "";
  out += Digits(draw, draw.From(1, longest));
  if (draw.OneIn(2)) out += "." + Digits(draw, draw.From(1, longest));
  return out;
}

std::string DrawScaled(Draw& draw) {
  return (draw.OneIn(2) ? "-" : "") + Digits(draw, draw.From(1, 12)) + "." + Digits(draw, 5);
}

template <typename Float, typename Bits>
std::string DrawFloat(Draw& draw) {
  if (draw.OneIn(4)) {
    static constexpr Float kSpecial[] = {0,
                                         -Float{0},
                                         1,
                                         Float(0.1),
                                         std::numeric_limits<Float>::min(),
                                         std::numeric_limits<Float>::denorm_min(),
                                         std::numeric_limits<Float>::max(),
                                         std::numeric_limits<Float>::lowest()};
    return fmt::format("{}", draw.Pick(kSpecial));
  }
  for (;;) {
    const auto value = std::bit_cast<Float>(static_cast<Bits>(
        draw.From(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max())));
    if (std::isfinite(value)) return fmt::format("{}", value);
  }
}

std::string DrawBool(Draw& draw) {
  return draw.OneIn(2) ? "t" : "f";
}

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

// Of all of Unicode that PostgreSQL stores: no NUL, no surrogates.
std::string DrawCharacters(Draw& draw, int64_t most) {
  static constexpr uint32_t kAwkward[] = {
      '"',  '\\',   '/',    '\'',   '$',    '{',    '}',      '\n',  '\r',    '\t',   '\b', 0x1F,
      0x7F, 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0xFFFF, 0x10FFFF, 0x301, 0x1F600, 0xE000, 0x85, 0xA0};
  std::string out;
  for (int64_t i = draw.From(0, most); i > 0; --i) {
    uint32_t code = 0;
    switch (draw.From(0, 3)) {
      case 0:
        code = draw.Pick(kAwkward);
        break;
      case 1:
        code = static_cast<uint32_t>(draw.From(0x20, 0x7E));
        break;
      case 2:
        code = static_cast<uint32_t>(draw.From(1, 0xD7FF));
        break;
      default:
        code = static_cast<uint32_t>(draw.From(0xE000, 0x10FFFF));
    }
    AppendUtf8(out, code);
  }
  return out;
}

std::string DrawText(Draw& draw) {
  return DrawCharacters(draw, draw.OneIn(10) ? 3000 : 12);
}
std::string DrawText5(Draw& draw) {
  return DrawCharacters(draw, 5);
}
std::string DrawWord(Draw& draw) {
  std::string out;
  for (int64_t i = draw.From(1, 8); i > 0; --i) out += static_cast<char>(draw.From('a', 'z'));
  return out;
}
std::string DrawChar(Draw& draw) {
  return std::string(1, static_cast<char>(draw.From(1, 127)));
}

std::string Hex(Draw& draw, int64_t digits) {
  std::string out;
  for (int64_t i = 0; i < digits; ++i) out += "0123456789abcdef"[draw.From(0, 15)];
  return out;
}
std::string DrawBytea(Draw& draw) {
  return "\\x" + Hex(draw, 2 * draw.From(0, 20));
}
std::string DrawUuid(Draw& draw) {
  return Hex(draw, 32);
}

std::string DateOfYears(Draw& draw, int64_t from, int64_t to) {
  return fmt::format("{:04}-{:02}-{:02}", draw.From(from, to), draw.From(1, 12), draw.From(1, 28));
}
std::string Microseconds(Draw& draw) {
  if (draw.OneIn(3)) return "";
  return fmt::format(".{:06}", draw.OneIn(2) ? draw.From(0, 999'999) : draw.From(0, 999) * 1000);
}
std::string DrawTime(Draw& draw) {
  return fmt::format("{:02}:{:02}:{:02}{}", draw.From(0, 23), draw.From(0, 59), draw.From(0, 59),
                     Microseconds(draw));
}
std::string DrawZone(Draw& draw) {
  return fmt::format("{}{:02}:{:02}", draw.OneIn(2) ? "+" : "-", draw.From(0, 14),
                     draw.From(0, 3) * 15);
}
std::string DrawTimeTz(Draw& draw) {
  return DrawTime(draw) + DrawZone(draw);
}
std::string DrawDate(Draw& draw) {
  return DateOfYears(draw, 1, 9999);
}
// A day off the first and the last year, for zones.
std::string DrawTimestamp(Draw& draw) {
  return DateOfYears(draw, 2, 9998) + " " + DrawTime(draw);
}
std::string DrawTimestampTz(Draw& draw) {
  return DrawTimestamp(draw) + DrawZone(draw);
}

// Every part with its own sign.
std::string DrawInterval(Draw& draw) {
  const auto part = [&](int64_t most) { return draw.OneIn(3) ? 0 : draw.From(-most, most); };
  const bool large = draw.OneIn(4);
  return fmt::format("{} mons {} days {}{}:{:02}:{:02}{}", part(large ? 2'000'000'000 : 30),
                     part(large ? 2'147'483'647 : 400), draw.OneIn(2) ? "-" : "",
                     draw.From(0, large ? 1'000'000 : 30), draw.From(0, 59), draw.From(0, 59),
                     Microseconds(draw));
}

std::string JsonString(Draw& draw) {
  std::string out = "\"";
  for (const char c : DrawCharacters(draw, 6)) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  if (draw.OneIn(8)) out += "\\ud83d\\ude00\\/";
  return out + "\"";
}

std::string JsonNumber(Draw& draw) {
  std::string whole = Digits(draw, draw.From(1, draw.OneIn(5) ? 60 : 5));
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  std::string out = (draw.OneIn(2) ? "-" : "") + whole;
  if (draw.OneIn(3)) out += "." + Digits(draw, draw.From(1, 30));
  if (draw.OneIn(4)) out += fmt::format("{}{}", draw.OneIn(2) ? "e" : "E+", draw.From(0, 300));
  return out;
}

// With white space, and keys that come twice.
std::string Json(Draw& draw, int depth) {
  const std::string space = draw.OneIn(4) ? " \n\t" : "";
  std::string out = space;
  switch (draw.From(0, depth == 0 ? 3 : 5)) {
    case 0:
      out += JsonNumber(draw);
      break;
    case 1:
      out += draw.OneIn(2) ? "true" : "false";
      break;
    case 2:
      out += "null";
      break;
    case 3:
      out += JsonString(draw);
      break;
    case 4:
      out += "[";
      for (int64_t i = draw.From(0, 4); i > 0; --i)
        out += Json(draw, depth - 1) + (i > 1 ? "," : "");
      out += "]";
      break;
    default:
      out += "{";
      for (int64_t i = draw.From(0, 4); i > 0; --i) {
        out += (draw.OneIn(3) ? "\"twice\"" : JsonString(draw)) + space + ":" +
               Json(draw, depth - 1) + (i > 1 ? "," : "");
      }
      out += "}";
  }
  return out + space;
}
std::string DrawJson(Draw& draw) {
  return Json(draw, 3);
}

std::string DrawMood(Draw& draw) {
  static constexpr const char* kMoods[] = {"ok", "it's \"q\", {}", "ünïcode"};
  return draw.Pick(kMoods);
}
std::string DrawPositive(Draw& draw) {
  return std::to_string(draw.From(1, 2'147'483'647));
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}
std::string DrawPair(Draw& draw) {
  return fmt::format("({},{})", draw.OneIn(4) ? "" : std::to_string(draw.From(-9, 9)),
                     draw.OneIn(4) ? "" : Quoted(DrawText(draw)));
}

std::string Range(Draw& draw, std::string low, std::string high) {
  if (draw.OneIn(8)) return "empty";
  if (draw.OneIn(8)) low.clear();
  if (draw.OneIn(8)) high.clear();
  return (draw.OneIn(2) ? "[" : "(") + low + "," + high + (draw.OneIn(2) ? "]" : ")");
}
std::string DrawIntRange(Draw& draw) {
  const int64_t low = draw.From(-1000, 1000);
  return Range(draw, std::to_string(low), std::to_string(low + draw.From(0, 50)));
}
std::string DrawNumRange(Draw& draw) {
  const int64_t low = draw.From(-1000, 1000);
  return Range(draw, fmt::format("{}.{}", low, Digits(draw, 3)),
               fmt::format("{}.{}", low + draw.From(2, 50), Digits(draw, 30)));
}
std::string DrawTimeRange(Draw& draw) {
  return Range(draw, "\"" + DateOfYears(draw, 1, 1999) + " " + DrawTime(draw) + "+02\"",
               "\"" + DateOfYears(draw, 2001, 9999) + " " + DrawTime(draw) + "-07\"");
}
std::string DrawMultirange(Draw& draw) {
  std::string out = "{";
  for (int64_t i = draw.From(0, 3); i > 0; --i) out += DrawIntRange(draw) + (i > 1 ? "," : "");
  return out + "}";
}

std::string DrawInet(Draw& draw) {
  if (draw.OneIn(2))
    return fmt::format("{:x}::{:x}/{}", draw.From(1, 65535), draw.From(0, 65535),
                       draw.From(0, 128));
  return fmt::format("{}.{}.{}.{}/{}", draw.From(0, 255), draw.From(0, 255), draw.From(0, 255),
                     draw.From(0, 255), draw.From(0, 32));
}
std::string DrawCidr(Draw& draw) {
  return fmt::format("{}.{}.0.0/16", draw.From(0, 255), draw.From(0, 255));
}
std::string DrawMac(Draw& draw) {
  return Hex(draw, 12);
}
std::string DrawMac8(Draw& draw) {
  return Hex(draw, 16);
}
std::string DrawMoney(Draw& draw) {
  return fmt::format("{}{}.{:02}", draw.OneIn(2) ? "-" : "", draw.From(0, 90'000'000'000),
                     draw.From(0, 99));
}
std::string DrawBits(Draw& draw) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += draw.OneIn(2) ? '1' : '0';
  return out;
}
std::string DrawVarbits(Draw& draw) {
  return DrawBits(draw).substr(0, static_cast<size_t>(draw.From(0, 8)));
}
std::string DrawTsvector(Draw& draw) {
  return fmt::format("{}:{}A {}:{}", DrawWord(draw), draw.From(1, 9), DrawWord(draw),
                     draw.From(1, 9));
}
std::string DrawTsquery(Draw& draw) {
  return fmt::format("{} & !{} | {}", DrawWord(draw), DrawWord(draw), DrawWord(draw));
}
std::string DrawXml(Draw& draw) {
  return fmt::format("<{0}>{1}&lt;&#233;</{0}>", DrawWord(draw), DrawWord(draw));
}
std::string DrawHstore(Draw& draw) {
  return Quoted(DrawText5(draw)) + "=>" + (draw.OneIn(3) ? "NULL" : Quoted(DrawText(draw)));
}
std::string DrawLsn(Draw& draw) {
  return fmt::format("{:X}/{:X}", draw.From(0, 4'294'967'295), draw.From(0, 4'294'967'295));
}

std::string Coordinate(Draw& draw) {
  return DrawFloat<double, uint64_t>(draw);
}
std::string DrawPoint(Draw& draw) {
  return fmt::format("({},{})", Coordinate(draw), Coordinate(draw));
}
// Sizes that are squared somewhere.
std::string SmallPoint(Draw& draw) {
  return fmt::format("({}.{},{}.5)", draw.From(-99, 99), draw.From(0, 99), draw.From(-99, 99));
}
std::string DrawBox(Draw& draw) {
  return SmallPoint(draw) + "," + SmallPoint(draw);
}
std::string DrawSegment(Draw& draw) {
  return "[" + SmallPoint(draw) + "," + SmallPoint(draw) + "]";
}
std::string DrawPolygon(Draw& draw) {
  return "(" + SmallPoint(draw) + "," + SmallPoint(draw) + "," + SmallPoint(draw) + ")";
}
std::string DrawCircle(Draw& draw) {
  return "<" + SmallPoint(draw) + "," + std::to_string(draw.From(0, 50)) + ">";
}
std::string DrawLine(Draw& draw) {
  return fmt::format("{{1,{},{}}}", draw.From(-9, 9), draw.From(-9, 9));
}

std::string NotFinite(Draw& draw) {
  static constexpr const char* kValues[] = {"NaN", "Infinity", "-Infinity"};
  return draw.Pick(kValues);
}
// Beyond the years of JSON, and both ends of time.
std::string FarDay(Draw& draw) {
  switch (draw.From(0, 3)) {
    case 0:
      return "infinity";
    case 1:
      return "-infinity";
    case 2:
      return DateOfYears(draw, 2, 4700) + " BC";
    default:
      return DateOfYears(draw, 10001, 290000);
  }
}

}  // namespace

const std::string_view kTypesSql = R"(
  CREATE EXTENSION hstore;
  CREATE EXTENSION citext;
  CREATE TYPE mood AS ENUM ('ok', 'it''s "q", {}', 'ünïcode');
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE TYPE pair AS (a int, b text))";

std::vector<RandomType> Types() {
  constexpr std::string_view kAsTimestamp = "({}::timestamptz AT TIME ZONE 'Asia/Kolkata')::text";
  return {
      {"i2", "int2", DrawInteger<int16_t>},
      {"i4", "int4", DrawInteger<int32_t>},
      {"i8", "int8", DrawInt8},
      {"o", "oid", DrawInteger<uint32_t>},
      {"n", "numeric", DrawNumeric},
      {"n5", "numeric(20, 5)", DrawScaled},
      {"f4", "float4", DrawFloat<float, uint32_t>, "{}::float4::text"},
      {"f8", "float8", DrawFloat<double, uint64_t>, "{}::float8::text"},
      {"b", "bool", DrawBool, "{}::bool::text"},
      {"t", "text", DrawText},
      {"v", "varchar", DrawText},
      {"v5", "varchar(5)", DrawText5},
      {"c5", "char(5)", DrawText5},
      {"c1", "\"char\"", DrawChar},
      {"nm", "name", DrawWord},
      {"ci", "citext", DrawText},
      {"by", "bytea", DrawBytea, "decode({}, 'base64')::text"},
      {"u", "uuid", DrawUuid},
      {"d", "date", DrawDate},
      {"tm", "time", DrawTime},
      {"tmz", "timetz", DrawTimeTz},
      {"ts", "timestamp", DrawTimestamp, kAsTimestamp},
      {"ts0", "timestamp(0)", DrawTimestamp, kAsTimestamp},
      {"tsz", "timestamptz", DrawTimestampTz, "{}::timestamptz::text"},
      {"iv", "interval", DrawInterval, "{}::interval::text"},
      {"js", "json", DrawJson, "{}", false},
      {"jb", "jsonb", DrawJson, "{}", false},
      {"e", "mood", DrawMood},
      {"dm", "positive", DrawPositive},
      {"cp", "pair", DrawPair},
      {"ir", "int4range", DrawIntRange},
      {"nr", "numrange", DrawNumRange},
      {"tr", "tstzrange", DrawTimeRange},
      {"mr", "int4multirange", DrawMultirange},
      {"ip", "inet", DrawInet},
      {"cd", "cidr", DrawCidr},
      {"mac", "macaddr", DrawMac},
      {"mac8", "macaddr8", DrawMac8},
      {"mo", "money", DrawMoney},
      {"bi", "bit(8)", DrawBits},
      {"vb", "varbit", DrawVarbits},
      {"tv", "tsvector", DrawTsvector},
      {"tq", "tsquery", DrawTsquery},
      {"x", "xml", DrawXml},
      {"hs", "hstore", DrawHstore},
      {"ls", "pg_lsn", DrawLsn},
      {"po", "point", DrawPoint},
      {"bx", "box", DrawBox},
      {"sg", "lseg", DrawSegment},
      {"pa", "path", DrawSegment},
      {"pg", "polygon", DrawPolygon},
      {"ce", "circle", DrawCircle},
      {"li", "line", DrawLine},
  };
}

std::vector<RandomType> TypesWithoutJson() {
  return {{"f4", "float4", NotFinite}, {"f8", "float8", NotFinite}, {"n", "numeric", NotFinite},
          {"d", "date", FarDay},       {"ts", "timestamp", FarDay}, {"tsz", "timestamptz", FarDay}};
}

std::string DrawArray(Draw& draw, const RandomType& type) {
  if (draw.OneIn(6)) return "{}";
  const char* delimiter = type.sql == "box" ? ";" : ",";
  const auto dimensions = static_cast<size_t>(draw.OneIn(2) ? 1 : draw.From(2, 3));
  std::vector<int64_t> sizes;
  std::string bounds;
  for (size_t i = 0; i < dimensions; ++i) {
    sizes.push_back(draw.From(1, 3));
    const int64_t first = draw.From(-2, 2);
    bounds += fmt::format("[{}:{}]", first, first + sizes.back() - 1);
  }
  const std::function<std::string(size_t)> fill = [&](size_t level) {
    if (level == sizes.size()) return draw.OneIn(6) ? "NULL" : Quoted(type.draw(draw));
    std::string out = "{";
    for (int64_t i = 0; i < sizes[level]; ++i) out += (i > 0 ? delimiter : "") + fill(level + 1);
    return out + "}";
  };
  return (draw.OneIn(3) ? bounds + "=" : "") + fill(0);
}

std::string Literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + '\'';
}

}  // namespace penstock

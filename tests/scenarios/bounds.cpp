#include "tests/scenarios/bounds.h"

#include "fmt/format.h"
#include "services/common/core/units.h"

namespace penstock::scenario {
namespace {

uint64_t Bytes(const YAML::Node& text) {
  const auto bytes = ParseByteSize(text.as<std::string>());
  if (!bytes.ok()) throw Failure(std::string(bytes.status().message()));
  return *bytes;
}

void CheckAtMost(std::string_view what, uint64_t bytes, const YAML::Node& most) {
  if (bytes > Bytes(most))
    throw Failure(
        fmt::format("{} is {}, more than {}", what, FormatByteSize(bytes), most.as<std::string>()));
}

uint64_t RedisPeak(testing::RedisServer& redis) {
  constexpr std::string_view kPeak = "used_memory_peak:";
  const std::string info = redis.Command({"INFO", "memory"}).text;
  const size_t at = info.find(kPeak);
  if (at == info.npos) throw Failure("Redis doesn't tell its peak");
  return std::stoull(info.substr(at + kPeak.size()));
}

double Seconds(const v1::Run& run) {
  const auto seconds = [](const google::protobuf::Timestamp& time) {
    return static_cast<double>(time.seconds()) + time.nanos() / 1e9;
  };
  return seconds(run.end_time()) - seconds(run.start_time());
}

void CheckTook(World& world, const YAML::Node& node) {
  OnlyFields(node, {"run", "than", "times"});
  const double took = Seconds(world.api.Get(world.RunId(node["run"]))),
               other = Seconds(world.api.Get(world.RunId(node["than"])));
  constexpr double kLeast = 0.5;
  if (took > other * node["times"].as<double>() + kLeast)
    throw Failure(fmt::format("{} took {:.3f} s, and {} {:.3f} s", node["run"].as<std::string>(),
                              took, node["than"].as<std::string>(), other));
}

}  // namespace

void CheckBounds(World& world, const YAML::Node& expect) {
  if (const YAML::Node most = expect["redis_at_most"])
    CheckAtMost("Redis' peak", RedisPeak(world.cluster.redis()), most);
  if (const YAML::Node most = expect["spool_at_most"])
    CheckAtMost("the spool", world.cluster.SpoolBytes(), most);
  for (const auto& entry : expect["peak_memory"]) {
    const std::string service = entry.first.as<std::string>();
    CheckAtMost("the memory of " + service, world.cluster.PeakMemory(service), entry.second);
  }
  if (const YAML::Node took = expect["took"]) CheckTook(world, took);
}

}  // namespace penstock::scenario

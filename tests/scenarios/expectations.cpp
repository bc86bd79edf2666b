#include "tests/scenarios/expectations.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <boost/json.hpp>

#include "fmt/format.h"
#include "tests/scenarios/bounds.h"

namespace penstock::scenario {
namespace {

namespace json = boost::json;
using Content = KeyedStore::Content;

std::string Show(const std::map<std::string, std::string>& record) {
  std::string out = "{";
  for (const auto& [name, value] : record)
    out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", name, value);
  return out + "}";
}

void Compare(const Content& expected, const Content& found) {
  std::string differences;
  int shown = 0;
  const auto differ = [&](std::string text) {
    if (++shown <= 10) differences += "\n  " + text;
  };
  for (const auto& [key, record] : expected) {
    auto other = found.find(key);
    if (other == found.end()) {
      differ(fmt::format("{} is missing", key));
    } else if (other->second != record) {
      differ(fmt::format("{} is {} and should be {}", key, Show(other->second), Show(record)));
    }
  }
  for (const auto& [key, record] : found) {
    if (!expected.contains(key)) differ(fmt::format("{} is there and should not be", key));
  }
  if (shown > 0)
    throw Failure(fmt::format("the destination differs in {} records:{}", shown, differences));
}

Content ContentOf(const YAML::Node& node) {
  Content out;
  for (const auto& entry : node) {
    auto& record = out[entry.first.as<std::string>()];
    for (const auto& field : entry.second)
      record[field.first.as<std::string>()] = field.second.as<std::string>();
  }
  return out;
}

Content ContentOf(World& world, const std::string& sql) {
  const json::value rows = json::parse(world.cluster.postgres().Sql(
      fmt::format("SELECT coalesce(jsonb_object_agg(r->>'key', r - 'key'), '{{}}') "
                  "FROM (SELECT to_jsonb(q) AS r FROM ({}) AS q) AS s",
                  sql),
      "warehouse"));
  Content out;
  for (const auto& [key, fields] : rows.as_object()) {
    auto& record = out[key];
    for (const auto& [name, value] : fields.as_object())
      record[name] = value.is_string() ? std::string(value.as_string()) : json::serialize(value);
  }
  return out;
}

void CheckSends(const KeyedStore& store, const YAML::Node& expect) {
  std::map<std::string, int> sends;
  int removals = 0, applied = 0;
  for (const StoreWrite& write : store.log()) {
    ++sends[write.key];
    removals += write.operation == "remove";
    applied += write.applied;
  }
  for (const auto& entry : expect["sends"]) {
    const std::string key = entry.first.as<std::string>();
    if (sends[key] != entry.second.as<int>()) {
      throw Failure(fmt::format("{} arrived {} times at the destination, not {}", key, sends[key],
                                entry.second.as<int>()));
    }
  }
  if (const YAML::Node most = expect["sends_at_most"]) {
    for (const auto& [key, n] : sends) {
      if (n > most.as<int>())
        throw Failure(fmt::format("{} arrived {} times, more than {}", key, n, most.as<int>()));
    }
  }
  if (const YAML::Node most = expect["repeated_at_most"]) {
    const auto repeated =
        std::count_if(sends.begin(), sends.end(), [](const auto& send) { return send.second > 1; });
    if (repeated > most.as<int>()) {
      throw Failure(
          fmt::format("{} records arrived more than once, more than {}", repeated, most.as<int>()));
    }
  }
  if (const YAML::Node wanted = expect["removals"]; wanted && wanted.as<int>() != removals)
    throw Failure(fmt::format("{} removals arrived, not {}", removals, wanted.as<int>()));
  if (const YAML::Node wanted = expect["applied"]; wanted && wanted.as<int>() != applied)
    throw Failure(fmt::format("{} records were applied, not {}", applied, wanted.as<int>()));
}

// Counters of a message by the names of its fields; a text as "<5" or ">=3" compares.
void CheckCounts(const google::protobuf::Message& message, const YAML::Node& expect,
                 const v1::Run& run) {
  for (const auto& entry : expect) {
    const std::string name = entry.first.as<std::string>();
    const auto* field = message.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) throw Failure(fmt::format("there is no counter \"{}\"", name));
    using Field = google::protobuf::FieldDescriptor;
    int64_t value = 0;
    switch (field->cpp_type()) {
      case Field::CPPTYPE_INT64:
        value = message.GetReflection()->GetInt64(message, field);
        break;
      case Field::CPPTYPE_INT32:
        value = message.GetReflection()->GetInt32(message, field);
        break;
      case Field::CPPTYPE_BOOL:
        value = message.GetReflection()->GetBool(message, field) ? 1 : 0;
        break;
      default:
        throw Failure(fmt::format("\"{}\" is no counter", name));
    }
    const std::string text = entry.second.as<std::string>();
    const auto number = [](const std::string& digits) { return std::stoll(digits); };
    bool right = false;
    if (text.starts_with(">=")) {
      right = value >= number(text.substr(2));
    } else if (text.starts_with("<=")) {
      right = value <= number(text.substr(2));
    } else if (text == "true" || text == "false") {
      right = value == (text == "true");
    } else {
      right = value == number(text);
    }
    if (!right) throw Failure(fmt::format("{} is {}, not {}: {}", name, value, text, Tell(run)));
  }
}

// Whether an error is the code, or {code, owner, says}, that is expected.
bool Is(const v1::RunError& error, const YAML::Node& expect) {
  if (expect.IsScalar()) return error.code() == expect.as<std::string>();
  OnlyFields(expect, {"code", "owner", "says"});
  const YAML::Node says = expect["says"];
  std::vector<std::string> texts;
  if (says.IsDefined())
    texts =
        says.IsScalar() ? std::vector{says.as<std::string>()} : says.as<std::vector<std::string>>();
  return error.code() == expect["code"].as<std::string>() &&
         (!expect["owner"] || error.owner() == expect["owner"].as<std::string>()) &&
         std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
           return error.message().find(text) != std::string::npos;
         });
}

// Each record that is expected is a code or {code: text}; matches them up with what was found.
void CheckRejected(const std::vector<v1::RejectedRecord>& records, const YAML::Node& expect) {
  std::vector<const v1::RejectedRecord*> left;
  for (const v1::RejectedRecord& record : records) left.push_back(&record);
  bool right = left.size() == expect.size();
  for (const YAML::Node& one : expect) {
    const bool says = one.IsMap();
    const std::string code = says ? one.begin()->first.as<std::string>() : one.as<std::string>();
    const std::string text = says ? one.begin()->second.as<std::string>() : "";
    const auto found = std::find_if(left.begin(), left.end(), [&](const auto* record) {
      return record->code() == code && record->message().find(text) != std::string::npos;
    });
    right = right && found != left.end();
    if (found != left.end()) left.erase(found);
  }
  if (right) return;
  std::string all;
  for (const v1::RejectedRecord& record : records)
    all += fmt::format("\n  {} {}: {}", record.primary_key(), record.code(), record.message());
  throw Failure("the rejected records are" + all);
}

}  // namespace

void CheckExpectations(World& world, const YAML::Node& expect) {
  OnlyFields(expect,
             {"content", "equals_model", "size", "sends", "sends_at_most", "tokens_at_least",
              "compressed_at_least", "repeated_at_most", "removals", "applied", "at_once", "run",
              "runs", "warehouse", "redis_at_most", "spool_at_most", "peak_memory", "took"});
  if (const YAML::Node content = expect["content"])
    Compare(ContentOf(content), world.store.content());
  if (const YAML::Node sql = expect["equals_model"])
    Compare(ContentOf(world, sql.as<std::string>()), world.store.content());
  if (const YAML::Node size = expect["size"];
      size && size.as<size_t>() != world.store.content().size()) {
    throw Failure(fmt::format("the destination has {} records, not {}",
                              world.store.content().size(), size.as<size_t>()));
  }
  if (const YAML::Node most = expect["at_once"];
      most && most.as<int>() != world.store.most_at_once()) {
    throw Failure(fmt::format("the destination had {} requests at once, not {}",
                              world.store.most_at_once(), most.as<int>()));
  }
  const auto at_least = [&](const char* field, int is) {
    if (const YAML::Node least = expect[field]; least && is < least.as<int>())
      throw Failure(fmt::format("{}: {}, not {}", field, is, least.as<int>()));
  };
  at_least("tokens_at_least", world.store.tokens_given());
  at_least("compressed_at_least", world.store.compressed());
  CheckSends(world.store, expect);
  CheckBounds(world, expect);
  if (const YAML::Node run = expect["run"])
    CheckRun(world, world.api.Get(world.RunId(run["name"])), run);
  if (const YAML::Node runs = expect["runs"]; runs && runs.as<size_t>() != world.api.Runs().size())
    throw Failure(
        fmt::format("there are {} runs, not {}", world.api.Runs().size(), runs.as<size_t>()));
  if (const YAML::Node query = expect["warehouse"]) {
    const std::string value =
        world.cluster.postgres().Sql(query["sql"].as<std::string>(), "warehouse");
    if (value != query["is"].as<std::string>())
      throw Failure(fmt::format("the warehouse says \"{}\"", value));
  }
}

void CheckRun(World& world, const v1::Run& run, const YAML::Node& expect) {
  OnlyFields(expect, {"name", "state", "error", "notice", "rows", "operations", "rejected",
                      "allow_removals", "sync", "within", "full_resync", "retry_rejected", "limit",
                      "key", "to"});
  CheckAccounts(run);
  if (const YAML::Node state = expect["state"];
      state && state.as<std::string>() != StateName(run.state()))
    throw Failure(fmt::format("should be {}: {}", state.as<std::string>(), Tell(run)));
  if (const YAML::Node error = expect["error"]; error && !Is(run.error(), error))
    throw Failure(fmt::format("should say {}: {}", YAML::Dump(error), Tell(run)));
  if (const YAML::Node notice = expect["notice"]) {
    if (std::none_of(run.notices().begin(), run.notices().end(),
                     [&](const v1::RunError& error) { return Is(error, notice); }))
      throw Failure(fmt::format("should notice {}: {}", YAML::Dump(notice), Tell(run)));
  }
  if (const YAML::Node rows = expect["rows"]) CheckCounts(run.rows(), rows, run);
  for (const auto& entry : expect["operations"]) {
    v1::OperationCounts counts;
    for (const v1::OperationCounts& operation : run.operations()) {
      if (operation.operation() == entry.first.as<std::string>()) counts = operation;
    }
    CheckCounts(counts, entry.second, run);
  }
  if (const YAML::Node rejected = expect["rejected"])
    CheckRejected(world.api.Rejected(run.id()), rejected);
}

void CheckAccounts(const v1::Run& run) {
  const v1::ReadCounts& rows = run.rows();
  bool right = rows.rows_read() == rows.unchanged() + rows.deferred() + rows.invalid() +
                                       rows.skipped() + rows.copies() + rows.changed();
  for (const v1::OperationCounts& op : run.operations()) {
    right = right && op.changed() == op.delivered() + op.unchanged_at_destination() +
                                         op.skipped_at_destination() + op.rejected() +
                                         op.in_doubt() + op.withdrawn() + op.pending();
  }
  if (!right) throw Failure("the accounts do not add up: " + Tell(run));
}

void CheckAtEnd(World& world) {
  if (const std::string name = world.cluster.Fallen(); !name.empty())
    throw Failure(name + " ended by itself");
  for (const v1::Run& run : world.api.Runs()) {
    CheckAccounts(run);
    for (const v1::OperationCounts& op : run.operations()) {
      if (IsTerminal(run.state()) && op.pending() != 0)
        throw Failure("over, with records pending: " + Tell(run));
    }
  }
}

}  // namespace penstock::scenario

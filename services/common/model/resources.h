#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/model/operation.h"

// The resources that users declare, as plain data. Defaults written here are those of the README's
// table; an optional that is absent means "the connector's or the service's default". Text of
// `config` values may hold references
// (${secret:NAME}, ${env:NAME}), resolved only by the service that connects.
namespace penstock {

using std::chrono::milliseconds;

struct Metadata {
  std::string name;  // a DNS label
  std::map<std::string, std::string> labels;
  std::string description;
  std::string renamed_from;  // empty: not renamed
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

// `config` of a Source or Destination: scalars by dotted path, e.g. "auth.token" ->
// "${secret:crm_token}".
using Config = std::map<std::string, std::string>;

struct Source {
  Metadata meta;
  std::string connector;  // "postgres"
  Config config;
  std::string schema;  // for unqualified tables; empty: the connection's search path
  std::string timezone = "UTC";
  friend bool operator==(const Source&, const Source&) = default;
};

struct Model {
  Metadata meta;
  std::string source;
  std::string table;  // exactly one of table and sql
  std::string sql;
  std::vector<std::string> primary_key;
  friend bool operator==(const Model&, const Model&) = default;
};

// A limit of an account: at most `requests` attempts in any window of `per`, or at most
// `concurrency` on their way at once; the other is 0.
struct Quota {
  int64_t requests = 0;
  milliseconds per{0};
  double share = 1;  // the part of the limit that is ours; the rest is left to others
  int64_t concurrency = 0;
  friend bool operator==(const Quota&, const Quota&) = default;
};
using Quotas = std::map<std::string, Quota>;

// How a request's body is written. Json: one JSON text. Ndjson: one JSON text a line, each a
// record. Form: application/x-www-form-urlencoded.
enum class BodyFormat : uint8_t { kJson = 0, kNdjson = 1, kForm = 2 };
enum class Compression : uint8_t { kNone = 0, kGzip = 1 };

// A request of a manifest. `path`, `query`, `headers` may hold ${config.x} and ${options.x}; `body`
// is a JSON text in the template language of docs/connectors.md; empty: no body.
struct RequestTemplate {
  std::string method = "POST";
  std::string path;
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;
  std::string body;
  BodyFormat format = BodyFormat::kJson;
  Compression compression = Compression::kNone;
  friend bool operator==(const RequestTemplate&, const RequestTemplate&) = default;
};

enum class Confirms : uint8_t { kRecord = 1, kBatch = 2, kNone = 3 };

// What an answer calls a record by. Index: its trace id, else its position in the request.
// Identity: the value of its identity field.
enum class RecordName : uint8_t { kIndex = 0, kIdentity = 1 };

// How an answer is read. Pointers are RFC 6901 JSON pointers, relative to the body, or to one
// element where said.
struct ResultSpec {
  std::vector<int> delivered_when;  // statuses of success; empty: 200 to 299
  std::string results;              // -> array of records that were taken
  std::string record;               // element of results -> the record's name; empty: by position
  std::string errors;        // -> array of errors, or an object with a member per record refused
  std::string error_record;  // element of errors -> the name of the record refused
  RecordName by = RecordName::kIndex;  // what those names are
  // Element of results (of the body, where there are no results) -> what became of it; empty: that
  // it is there says that it was taken.
  std::string outcome;
  std::vector<std::string> delivered_outcomes;  // values of `outcome` that mean taken; empty: true
  std::string message;  // element of errors or results, or body of a refusal -> text for people
  std::string code;     // the same -> the vendor's code
  std::vector<std::string> conflict_codes;   // values of `code` that mean "exists already"
  std::vector<std::string> not_found_codes;  // values of `code` that mean "not found"
  std::vector<std::string> retryable_codes;  // values of `code` that are worth another attempt
  friend bool operator==(const ResultSpec&, const ResultSpec&) = default;
};

// A read that turns identities into the ids that the request needs, made under the same grant.
struct ResolveSpec {
  RequestTemplate request;
  std::string records;  // -> array
  std::string match;    // element -> identity value
  std::string id;       // element -> id, known to the request's template as $record.resolved
  friend bool operator==(const ResolveSpec&, const ResolveSpec&) = default;
};

struct BatchLimits {
  uint32_t max_records = 1000;
  uint64_t max_bytes = 1'000'000;  // of a request's body
  friend bool operator==(const BatchLimits&, const BatchLimits&) = default;
};

struct OperationSpec {
  RequestTemplate request;
  BatchLimits batch;
  Confirms confirms = Confirms::kBatch;
  ResultSpec result;
  std::optional<ResolveSpec> resolve;
  // Statuses by which the destination says that nothing was applied.
  std::vector<int> not_applied = {400, 401, 403, 404, 409, 413, 422, 429};
  std::string idempotency_header;       // empty: the destination honours none
  std::optional<milliseconds> timeout;  // of one attempt
  friend bool operator==(const OperationSpec&, const OperationSpec&) = default;
};

// How an identity value is brought to the form by which the destination compares it.
enum class Normalisation : uint8_t { kNone = 0, kLowerTrim = 1 };

struct ObjectSpec {
  std::vector<std::string> identity;               // fields that may be the identity; empty: any
  std::map<std::string, Normalisation> normalise;  // identity field -> rule
  std::map<std::string, bool> options;  // option name -> part of the target (`target: true`)
  std::map<Operation, OperationSpec> operations;
  friend bool operator==(const ObjectSpec&, const ObjectSpec&) = default;
};

enum class ScalarForm : uint8_t { kNative = 1, kString = 2 };

// How values are rendered for this kind of destination (JSON encoding only).
struct ValueRules {
  ScalarForm scalars =
      ScalarForm::kNative;  // kString: numbers and booleans are sent as JSON strings
  ScalarForm big_integers =
      ScalarForm::kNative;    // kString: integers beyond 2^53 are sent as JSON strings
  std::string null = "null";  // JSON text that clears a field
  friend bool operator==(const ValueRules&, const ValueRules&) = default;
};

// A kind of destination. `native` names the C++ implementation for what no manifest can say
// ("postgres"); such a connector has no requests, and its objects are the destination's own
// (tables).
struct Connector {
  Metadata meta;
  std::string native;
  Encoding encoding = Encoding::kJson;
  std::string base_url;
  Config auth;  // type, and what that type needs (model/auth.h)
  Quotas quotas;
  ValueRules values;
  std::map<std::string, ObjectSpec> objects;  // "*": every object of a native connector
  friend bool operator==(const Connector&, const Connector&) = default;
};

struct Destination {
  Metadata meta;
  std::string connector;
  std::string account;  // empty: meta.name
  Config config;
  Quotas quotas;                              // override the connector's by name
  std::map<std::string, ObjectSpec> objects;  // connector "http": operations inline
  const std::string& Account() const { return account.empty() ? meta.name : account; }
  friend bool operator==(const Destination&, const Destination&) = default;
};

// A function of the mapping with its arguments as they were written, as JSON text: one value, a
// list by position, or an object by name, e.g. {"e164", R"({"region_from":"country"})"}; empty:
// none.
struct Transform {
  std::string name;
  std::string args_json;
  friend bool operator==(const Transform&, const Transform&) = default;
};

enum class OnNull : uint8_t { kSend = 1, kOmit = 2, kSkipRecord = 3 };
enum class Cast : uint8_t {
  kNone = 0,
  kString = 1,
  kInteger = 2,
  kNumber = 3,
  kBoolean = 4,
  kJson = 5,
  kDate = 6,
  kTimestamp = 7
};

// One field of the destination: where its value comes from and what is done to it, in the order of
// the members.
struct FieldMapping {
  std::vector<std::string> path;  // of the destination field; {"properties", "amount"}
  // The value's origin: a column with a path into its JSON (usually empty), a constant as JSON
  // text, a text made of columns, or an object of all columns but some.
  struct Column {
    std::string name;
    std::vector<std::string> path;
    friend bool operator==(const Column&, const Column&) = default;
  };
  struct Constant {
    std::string json;
    friend bool operator==(const Constant&, const Constant&) = default;
  };
  struct Template {
    std::string text;  // "Hello {{ first_name | default: 'there' }}"
    friend bool operator==(const Template&, const Template&) = default;
  };
  struct AllColumns {
    std::vector<std::string> except;
    friend bool operator==(const AllColumns&, const AllColumns&) = default;
  };
  using Origin = std::variant<Column, Constant, Template, AllColumns>;
  Origin from;
  std::optional<std::string> default_json;  // JSON text, in place of NULL
  Cast cast = Cast::kNone;
  std::vector<Transform> transforms;
  OnNull on_null = OnNull::kSend;
  friend bool operator==(const FieldMapping&, const FieldMapping&) = default;
};

// "email", "properties.amount": a path as it is written in `identity` and shown to people.
std::string FieldName(const std::vector<std::string>& path);

// When a Sync starts by itself (docs/schedules.md).
struct CronSchedule {
  std::string cron;  // as of model/cron.h
  std::string timezone = "UTC";
  friend bool operator==(const CronSchedule&, const CronSchedule&) = default;
};
struct EverySchedule {
  milliseconds every{0};  // aligned to 00:00 UTC
  friend bool operator==(const EverySchedule&, const EverySchedule&) = default;
};
// When each of these Syncs has succeeded since this one last started so.
struct AfterSchedule {
  std::vector<std::string> syncs;
  bool accept_partial = false;  // PARTIAL is success enough
  friend bool operator==(const AfterSchedule&, const AfterSchedule&) = default;
};
using Schedule = std::variant<std::monostate, CronSchedule, EverySchedule, AfterSchedule>;

// What a due time does that meets an active run.
enum class Overlap : uint8_t { kSkip = 1, kQueue = 2 };

// Parts of one: 0.1 is 10 %.
struct Guard {
  double max_removed = 0.10;          // of delivered rows …
  uint64_t max_removed_min = 100;     // … and only when more than this many would go
  double max_rejected = 0.50;         // of what was sent …
  uint64_t max_rejected_min = 1000;   // … once this many were sent
  std::optional<double> max_changed;  // of delivered rows, under one mapping; absent: any
  friend bool operator==(const Guard&, const Guard&) = default;
};

enum class Guarantee : uint8_t { kAtLeastOnce = 1, kAtMostOnce = 2 };

// What becomes of a row that changes after it was sent (append).
enum class OnChange : uint8_t { kIgnore = 1, kSend = 2 };
// What becomes of the rows that are there when a Sync runs for the first time. None: they are
// taken as delivered.
enum class Backfill : uint8_t { kAll = 1, kNone = 2 };
// What is sent after the mapping has changed. ChangedRowsOnly: rows that differ from what was
// delivered by the mapping before.
enum class OnMappingChange : uint8_t { kResync = 1, kChangedRowsOnly = 2 };

struct Delivery {
  Guarantee guarantee = Guarantee::kAtLeastOnce;
  std::optional<uint32_t> max_batch_records;
  std::optional<uint32_t> max_in_flight;
  milliseconds give_up_after = std::chrono::hours(24);
  friend bool operator==(const Delivery&, const Delivery&) = default;
};

struct RetryDeferred {
  milliseconds from = std::chrono::hours(1);
  milliseconds to = std::chrono::hours(24);
  friend bool operator==(const RetryDeferred&, const RetryDeferred&) = default;
};

struct Sync {
  Metadata meta;
  std::string model;
  std::string destination;
  std::string object;
  Mode mode = Mode::kUpsert;
  std::optional<OnRemoved> on_removed;  // absent: mirror deletes, the others keep
  std::vector<std::string> identity;    // names of mapped fields
  std::vector<FieldMapping> mapping;    // in the order of the file
  std::map<std::string, std::string> options;
  bool shared = false;             // a removing sync that has other writers beside it on its target
  Schedule schedule;               // monostate: only by hand
  std::optional<Overlap> overlap;  // absent: a due time is skipped, the success of others waits
  Guard guard;
  Delivery delivery;
  RetryDeferred on_rejected;
  std::optional<OnChange> on_change;  // append only; absent: ignore
  Backfill backfill = Backfill::kAll;
  OnMappingChange on_mapping_change = OnMappingChange::kResync;
  bool Removes() const { return mode == Mode::kMirror || on_removed == OnRemoved::kDelete; }
  friend bool operator==(const Sync&, const Sync&) = default;
};

using Resource = std::variant<Source, Model, Destination, Connector, Sync>;

std::string_view KindName(const Resource& resource);  // "Source" …
const Metadata& MetadataOf(const Resource& resource);

}  // namespace penstock

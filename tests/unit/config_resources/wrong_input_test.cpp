#include <gmock/gmock.h>

#include <string>

#include "tests/unit/config_resources/messages.h"

namespace penstock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A Sync with the resources that it needs; `spec` goes in from line 4 of its own document on, and
// what a valid one has comes after it where `spec` doesn't give it.
std::string SyncWith(std::string_view spec) {
  constexpr std::string_view kRest[] = {"model: customers",  "destination: crm",
                                        "object: contacts",  "mode: upsert",
                                        "identity: [email]", "mapping: {email: email}"};
  std::string yaml = "apiVersion: penstock.dev/v1\nkind: Sync\nmetadata: {name: s}\nspec:\n";
  yaml += spec;
  for (std::string_view line : kRest) {
    std::string key(line.substr(0, line.find(':') + 1));
    if (("\n" + std::string(spec)).find("\n  " + key) == std::string::npos)
      yaml += "  " + std::string(line) + "\n";
  }
  yaml += R"(---
apiVersion: penstock.dev/v1
kind: Source
metadata: {name: warehouse}
spec: {connector: postgres}
---
apiVersion: penstock.dev/v1
kind: Model
metadata: {name: customers}
spec: {source: warehouse, table: customers, primary_key: [id]}
---
apiVersion: penstock.dev/v1
kind: Destination
metadata: {name: crm}
spec: {connector: hubspot, config: {access_token: "${secret:t}"}}
)";
  return yaml;
}

std::string Document(std::string_view kind, std::string_view spec) {
  return "apiVersion: penstock.dev/v1\nkind: " + std::string(kind) +
         "\nmetadata: {name: x}\nspec:\n" + std::string(spec);
}

struct Case {
  std::string spec;
  std::string message;
};

TEST(WrongInput, TheSyncOfTheseTestsIsValid) {
  EXPECT_THAT(Messages(SyncWith("")), IsEmpty());
}

TEST(WrongInput, OfASyncIsToldByFileAndLine) {
  const Case cases[] = {
      {"  modle: customers\n", "f.yaml:5: unknown field \"modle\" (did you mean \"model\"?)"},
      {"  model: custmers\n",
       "f.yaml:5: spec.model: there is no Model \"custmers\" (did you mean \"customers\"?)"},
      {"  model: 12\n", "f.yaml:5: spec.model: must be text; write \"12\" in quotes"},
      {"  model:\n", "f.yaml:5: spec.model: must be text, not nothing"},
      {"  destination: crn\n",
       "f.yaml:5: spec.destination: there is no Destination \"crn\" (did you mean \"crm\"?)"},
      {"  object: contact\n",
       "f.yaml:5: spec.object: Connector \"hubspot\" has no object \"contact\" (did you mean "
       "\"contacts\"?); it has contacts"},
      {"  mode: upsrt\n",
       "f.yaml:5: spec.mode: \"upsrt\" is not one of upsert, update, insert, mirror, append (did "
       "you mean \"upsert\"?)"},
      {"  mode: append\n",
       "f.yaml:5: spec.mode: mode append needs the operation append, which Connector \"hubspot\" "
       "can't do for \"contacts\"; it has upsert, remove"},
      {"  mode: audience\n", "f.yaml:5: spec.mode: \"audience\" is not supported yet"},
      {"  mode: update\n",
       "f.yaml:5: spec.mode: mode update needs the operation update, which Connector \"hubspot\" "
       "can't do for \"contacts\"; it has upsert, remove"},
      {"  on_removed: delte\n",
       "f.yaml:5: spec.on_removed: \"delte\" is not one of keep, delete (did you mean "
       "\"delete\"?)"},
      {"  mode: mirror\n  on_removed: keep\n",
       "f.yaml:6: spec.on_removed: mode mirror removes; use mode: upsert to keep records"},
      {"  identity: email\n", "f.yaml:5: spec.identity: must be a list, not text"},
      {"  identity: [emial]\n",
       "f.yaml:5: spec.identity: \"emial\" is not a mapped field (did you mean \"email\"?)"},
      {"  identity: [email, email]\n", "f.yaml:5: spec.identity: names \"email\" twice"},
      {"  mapping: {email: email, phone: phone}\n  identity: [phone]\n",
       "f.yaml:6: spec.identity: \"phone\" can't be the identity of \"contacts\"; use email, "
       "hs_object_id"},
      {"  mapping: [email]\n", "f.yaml:5: spec.mapping: must be a mapping, not a list"},
      {"  mapping:\n    email: email\n    email: mail\n", "f.yaml:7: \"email\" is given twice"},
      {"  mapping:\n    email: email\n    a: a\n    a.b: b\n",
       "f.yaml:8: spec.mapping.a.b: lies inside of \"a\", which is mapped too; keep one"},
      {"  mapping:\n    email: email\n    a: 5\n",
       "f.yaml:7: spec.mapping.a: must be a column's name, not a number; for a constant write "
       "{value: …}"},
      {"  mapping:\n    email: email\n    a: {cast: string}\n",
       "f.yaml:7: spec.mapping.a: needs one of from, value, template and columns"},
      {"  mapping:\n    email: email\n    a: {from: a, value: 1}\n",
       "f.yaml:7: spec.mapping.a: has both from and value; keep one"},
      {"  mapping:\n    email: email\n    a: {from: a, cast: int}\n",
       "f.yaml:7: spec.mapping.a.cast: \"int\" is not one of string, integer, number, boolean, "
       "json, date, timestamp"},
      {"  mapping:\n    email: email\n    a: {from: a, on_null: drop}\n",
       "f.yaml:7: spec.mapping.a.on_null: \"drop\" is not one of send, omit, skip_record"},
      {"  mapping:\n    email: email\n    a: {from: a, transform: [trm]}\n",
       "f.yaml:7: spec.mapping.a.transform[0]: there is no transform \"trm\" (did you mean "
       "\"trim\"?)"},
      {"  mapping:\n    email: email\n    a: {from: a, transform: [{e164: {regon: DE}}]}\n",
       "f.yaml:7: spec.mapping.a.transform[0]: transform \"e164\" has no argument \"regon\" (did "
       "you mean \"region\"?)"},
      {"  mapping:\n    email: email\n    a: {value: .inf}\n",
       "f.yaml:7: spec.mapping.a.value: infinities and NaN can't be sent"},
      {"  mapping:\n    email: email\n    a: {from: a, template: \"{{ a }}\"}\n",
       "f.yaml:7: spec.mapping.a: has both from and template; keep one"},
      {"  mapping:\n    email: email\n    a: {template: 5}\n",
       "f.yaml:7: spec.mapping.a.template: must be text; write \"5\" in quotes"},
      {"  mapping:\n    email: email\n    a: {template: \"\"}\n",
       "f.yaml:7: spec.mapping.a.template: is empty; for a constant write value"},
      {"  mapping:\n    email: email\n    a: {template: \"{{ a | uper }}\"}\n",
       "f.yaml:7: spec.mapping.a.template: at character 8: there is no filter \"uper\" (did you "
       "mean "
       "\"upper\"?)"},
      {"  mapping:\n    email: email\n    a: {columns: some}\n",
       "f.yaml:7: spec.mapping.a.columns: \"some\" is not one of all"},
      {"  mapping:\n    email: email\n    a: {columns: all, except: b}\n",
       "f.yaml:7: spec.mapping.a.except: must be a list, not text"},
      {"  mapping:\n    email: email\n    a: {columns: all, cast: string}\n",
       "f.yaml:7: spec.mapping.a.cast: can't stand beside columns: all; map the columns that need "
       "it "
       "by themselves"},
      {"  mapping:\n    email: email\n    a: {from: a, except: [b]}\n",
       "f.yaml:7: spec.mapping.a: has except, which stands beside columns: all; remove it"},
      {"  mapping:\n    email: email\n    a: {from: a, hashed: true}\n",
       "f.yaml:7: spec.mapping.a.hashed: not supported yet; remove it"},
      {"  mapping:\n    email: email\n    a: {from: a, transform: [{round: 1, abs: 2}]}\n",
       "f.yaml:7: spec.mapping.a.transform[0]: must be a name or one name with its arguments, as "
       "{e164: {region: DE}}"},
      {"  mapping:\n    email: email\n    a: {from: a, transform: [{date_format: \"%Q\"}]}\n",
       "f.yaml:7: spec.mapping.a.transform[0]: transform \"date_format\", argument \"pattern\": "
       "has %Q, "
       "which is no part of a date; see docs/mapping.md for those that are"},
      {"  mapping:\n    email: email\n    a: {from: a, transform: [{hmac_sha256: pepper}]}\n",
       "f.yaml:7: spec.mapping.a.transform[0]: transform \"hmac_sha256\", argument \"key\": must "
       "name a "
       "secret, as \"${secret:NAME}\"; a key that stands in a file is none"},
      {"  mapping:\n    email: email\n    a: {value: \"${secret:t}\"}\n",
       "f.yaml:7: spec.mapping.a.value: secrets may be named only in config of a Source or "
       "Destination, and as a transform's key"},
      {"  options: {list: 1}\n",
       "f.yaml:5: spec.options.list: \"contacts\" has no option \"list\""},
      {"  shared: maybe\n", "f.yaml:5: spec.shared: must be true or false, not text"},
      {"  shared: no\n", "f.yaml:5: spec.shared: must be true or false, not text"},
      {"  schedule: {every: 5 minutes}\n",
       "f.yaml:5: spec.schedule.every: \"5 minutes\" is no duration; write it like 250ms, 30s, "
       "5m, 1h30m or 2d"},
      {"  schedule: {every: 10ms}\n", "f.yaml:5: spec.schedule.every: must be 1s or more"},
      {"  schedule: {every: 3y}\n",
       "f.yaml:5: spec.schedule.every: \"3y\" is no duration; write it like 250ms, 30s, 5m, "
       "1h30m or 2d"},
      {"  schedule: {every: 400d}\n", "f.yaml:5: spec.schedule.every: must be 366d or less"},
      {"  schedule: 5m\n", "f.yaml:5: spec.schedule: must be a mapping, not text"},
      {"  schedule: {}\n",
       "f.yaml:5: spec.schedule: needs one of cron, every and after; without a schedule leave it "
       "out"},
      {"  schedule: {crn: \"@daily\"}\n",
       "f.yaml:5: unknown field \"crn\" (did you mean \"cron\"?)"},
      {"  schedule: {cron: \"@daily\", every: 5m}\n",
       "f.yaml:5: spec.schedule: has more than one of cron, every and after; keep one"},
      {"  schedule:\n    cron: 0 9 * * 8\n",
       "f.yaml:6: spec.schedule.cron: day of week takes 0 to 7 or SUN to SAT, with *, lists, "
       "ranges and steps, not \"8\""},
      {"  schedule: {cron: 5}\n",
       "f.yaml:5: spec.schedule.cron: must be text; write \"5\" in quotes"},
      {"  schedule: {cron: \"0 0 30 2 *\"}\n",
       "f.yaml:5: spec.schedule.cron: \"0 0 30 2 *\" never comes due: no month of it has a day "
       "30"},
      {"  schedule: {cron: \"@daily\", timezone: Europe/Berln}\n",
       "f.yaml:5: spec.schedule.timezone: there is no time zone \"Europe/Berln\" (did you mean "
       "\"Europe/Berlin\"?)"},
      {"  schedule: {every: 5m, timezone: Europe/Berlin}\n",
       "f.yaml:5: spec.schedule: has a timezone, which belongs to cron; every is aligned to 00:00 "
       "UTC"},
      {"  schedule: {after: [a]}\n",
       "f.yaml:5: spec.schedule.after: must be a mapping, not a list"},
      {"  schedule: {after: {}}\n",
       "f.yaml:5: spec.schedule.after.syncs: is missing; name the Syncs that come before"},
      {"  schedule: {after: {syncs: s0}}\n",
       "f.yaml:5: spec.schedule.after.syncs: must be a list, not text"},
      {"  schedule: {after: {syncs: [s]}}\n",
       "f.yaml:5: spec.schedule.after.syncs: a Sync can't come after itself; remove \"s\""},
      {"  schedule: {after: {syncs: [people]}}\n",
       "f.yaml:5: spec.schedule.after.syncs: there is no Sync \"people\""},
      {"  overlap: wait\n", "f.yaml:5: spec.overlap: \"wait\" is not one of skip, queue"},
      {"  guard: {max_removed: 120%}\n",
       "f.yaml:5: spec.guard.max_removed: must be a part of all, written like 20% or 0.2"},
      {"  guard: {max_changed: all}\n",
       "f.yaml:5: spec.guard.max_changed: must be a part of all, written like 20% or 0.2"},
      {"  delivery: {max_in_flight: 0}\n",
       "f.yaml:5: spec.delivery.max_in_flight: must be 1 or more"},
      {"  delivery: {max_in_flight: -1}\n",
       "f.yaml:5: spec.delivery.max_in_flight: -1 is out of range"},
      {"  delivery: {max_batch_records: 1.5}\n",
       "f.yaml:5: spec.delivery.max_batch_records: must be a whole number, not a number"},
      {"  delivery: {give_up_after: 0}\n",
       "f.yaml:5: spec.delivery.give_up_after: must be a duration over zero, like 6h"},
      {"  delivery: {guarantee: exactly_once}\n",
       "f.yaml:5: spec.delivery.guarantee: \"exactly_once\" is not one of at_least_once, "
       "at_most_once"},
      {"  on_rejected: {retry_from: 2h, retry_to: 1h}\n",
       "f.yaml:5: spec.on_rejected.retry_to: must not be shorter than retry_from"},
      {"  on_mapping_change: resend\n",
       "f.yaml:5: spec.on_mapping_change: \"resend\" is not one of resync, changed_rows_only (did "
       "you mean \"resync\"?)"},
      {"  backfill: some\n", "f.yaml:5: spec.backfill: \"some\" is not one of all, none"},
      {"  on_change: ignore\n",
       "f.yaml:5: spec.on_change: belongs to mode append; mode upsert sends what changed by its "
       "own rule; remove this field"},
  };
  for (const Case& one : cases) EXPECT_THAT(Messages(SyncWith(one.spec)), ElementsAre(one.message));
}

// Syncs by name with their schedules, each a document of 13 lines.
std::string Chain(const std::vector<std::pair<std::string, std::string>>& syncs) {
  std::string yaml;
  for (const auto& [name, schedule] : syncs)
    yaml += "apiVersion: penstock.dev/v1\nkind: Sync\nmetadata: {name: " + name +
            "}\nspec:\n  schedule: " + schedule +
            "\n  model: customers\n  destination: crm\n  object: contacts\n  mode: upsert\n  "
            "identity: [email]\n  mapping: {email: email}\n---\n";
  return yaml + SyncWith("");
}

TEST(WrongInput, OfSyncsThatComeAfterOneAnotherIsToldByFileAndLine) {
  const auto after = [](const std::string& syncs) { return "{after: {syncs: " + syncs + "}}"; };
  EXPECT_THAT(Messages(Chain({{"a", after("[s]")}, {"b", after("[a, s]")}})), IsEmpty());
  EXPECT_THAT(Messages(Chain({{"orders", "{every: 5m}"}, {"b", after("[ordrs, s, s]")}})),
              ElementsAre("f.yaml:17: spec.schedule.after.syncs: names \"s\" twice",
                          "f.yaml:17: spec.schedule.after.syncs: there is no Sync \"ordrs\" (did "
                          "you mean \"orders\"?)"));
  EXPECT_THAT(Messages(Chain({{"a", after("[c]")}, {"b", after("[a]")}, {"c", after("[s, b]")}})),
              ElementsAre(HasSubstr("f.yaml:5: spec.schedule.after.syncs: \"a\" comes after "
                                    "\"c\", which comes after \"b\", which comes after \"a\": none "
                                    "of them would ever start; remove one"),
                          HasSubstr("f.yaml:17: spec.schedule.after.syncs: \"b\" comes after"),
                          HasSubstr("f.yaml:29: spec.schedule.after.syncs: \"c\" comes after")));
  EXPECT_THAT(Messages(Chain({{"a", "{after: {syncs: [s], accept_partial: maybe}}"}})),
              ElementsAre("f.yaml:5: spec.schedule.after.accept_partial: must be true or false, "
                          "not text"));
  EXPECT_THAT(Messages(Chain({{"a", after("[s]") + "\n  overlap: queue"}})), IsEmpty());
  EXPECT_THAT(Messages(Chain({{"a", after("[s]") + "\n  overlap: skip"}})),
              ElementsAre("f.yaml:6: spec.overlap: \"skip\" would lose what came before; a "
                          "schedule with after waits for the active run: remove this field"));
}

TEST(WrongInput, OfASourceOrModelIsToldByFileAndLine) {
  const Case sources[] = {
      {"  connector: snowflake\n",
       "f.yaml:5: spec.connector: there is no source connector \"snowflake\"; use postgres"},
      {"  schema: marts\n", "f.yaml:4: spec.connector: is missing"},
      {"  connector: postgres\n  config: {password: \"${env:PGPASSWORD}\"}\n",
       "f.yaml:6: spec.config.password: ${env:PGPASSWORD} is refused: only variables whose names "
       "start with PENSTOCK_SECRET_ may be named"},
      {"  connector: postgres\n  config: {password: \"${secret:../state}\"}\n",
       "f.yaml:6: spec.config.password: ${secret:../state} needs a name of letters, digits, '-', "
       "'_' and '.'"},
      {"  connector: postgres\n  config: {password: \"${secrets:a}\"}\n",
       "f.yaml:6: spec.config.password: ${secrets:a} means nothing here; write ${secret:NAME} or "
       "${env:PENSTOCK_SECRET_NAME}"},
      {"  connector: postgres\n  config: {password: \"${secret:a\"}\n",
       "f.yaml:6: spec.config.password: has ${ without }"},
      {"  connector: postgres\n  config: {hosts: [a, b]}\n",
       "f.yaml:6: spec.config.hosts: must be text, not a list"},
  };
  for (const Case& one : sources)
    EXPECT_THAT(Messages(Document("Source", one.spec)), ElementsAre(one.message));
  const std::string source = "---\n" + Document("Source", "  connector: postgres\n");
  const Case models[] = {
      {"  source: x\n  primary_key: [id]\n",
       "f.yaml:4: spec: needs one of table, sql, sql_file and dbt"},
      {"  source: x\n  table: t\n  sql: select 1\n  primary_key: [id]\n",
       "f.yaml:7: spec.sql: stands beside table; keep one"},
      {"  source: x\n  table: t\n",
       "f.yaml:4: spec.primary_key: is missing; name the columns that identify a row"},
      {"  source: x\n  table: t\n  primary_key: [id, id]\n",
       "f.yaml:7: spec.primary_key: names \"id\" twice"},
      {"  source: y\n  table: t\n  primary_key: [id]\n",
       "f.yaml:5: spec.source: there is no Source \"y\" (did you mean \"x\"?)"},
      {"  source: x\n  table: t\n  primry_key: [id]\n  primary_key: [id]\n",
       "f.yaml:7: unknown field \"primry_key\" (did you mean \"primary_key\"?)"},
      {"  source: x\n  table: t\n  primary_key: [id]\n  incremental: {cursor: updated_at}\n",
       "f.yaml:8: spec.incremental: not supported yet; remove it"},
  };
  for (const Case& one : models)
    EXPECT_THAT(Messages(Document("Model", one.spec) + source), ElementsAre(one.message));
}

TEST(WrongInput, OfADestinationOrConnectorIsToldByFileAndLine) {
  const std::string hubspot = "  connector: hubspot\n  config: {access_token: t}\n";
  const Case destinations[] = {
      {"  connector: hubspt\n",
       "f.yaml:5: spec.connector: there is no Connector \"hubspt\" (did you mean \"hubspot\"?)"},
      {hubspot + "  account: Main\n",
       "f.yaml:7: spec.account: \"Main\" is no valid name; use lower-case letters, digits and "
       "dashes, at most 63"},
      {"  connector: http\n",
       "f.yaml:4: spec.config.base_url: is missing; Connector \"http\" needs it to know where the "
       "API is"},
      {"  connector: http\n  config: {base_url: example.com}\n",
       "f.yaml:6: spec.config.base_url: \"example.com\" is no URL; write it like "
       "https://host/path"},
      {hubspot + "  quotas: {burst: {requests: 10, per: 10s, share: 0}}\n",
       "f.yaml:7: spec.quotas.burst.share: must be over 0% and at most 100%"},
      {hubspot + "  quotas: {burst: {requests: 10, per: 10s, share: 120%}}\n",
       "f.yaml:7: spec.quotas.burst.share: must be a part of all, written like 20% or 0.2"},
      {hubspot + "  quotas: {burst: {requests: 10, per: 0}}\n",
       "f.yaml:7: spec.quotas.burst.per: must be a duration over zero, like 10s"},
      {hubspot + "  quotas: {slots: {concurrency: -1}}\n",
       "f.yaml:7: spec.quotas.slots.concurrency: must be 1 or more"},
      {hubspot + "  quotas: {burst: {requests: 10, per: 10s, concurrency: 2}}\n",
       "f.yaml:7: spec.quotas.burst: has concurrency beside requests or per; these are two limits, "
       "so give each a name of its own"},
      {hubspot + "  quotas: {burst: {per: 10s}}\n",
       "f.yaml:7: spec.quotas.burst.requests: must be 1 or more"},
      {hubspot + "  objects: {contacts: {operations: {upsert: {request: {path: /}}}}}\n",
       "f.yaml:7: spec.objects: objects may be given inline only with connector: http; apply a "
       "Connector instead"},
  };
  for (const Case& one : destinations)
    EXPECT_THAT(Messages(Document("Destination", one.spec)), ElementsAre(one.message));
  const std::string operation = "  objects:\n    o:\n      operations:\n        upsert:\n";
  const Case connectors[] = {
      {"  native: oracle\n",
       "f.yaml:5: spec.native: there is no built-in implementation \"oracle\"; use postgres"},
      {"  encoding: csv\n", "f.yaml:5: spec.encoding: \"csv\" is not one of json, pg_binary"},
      {"  auth: {type: oauth}\n",
       "f.yaml:5: spec.auth.type: \"oauth\" is not one of none, basic, bearer, api_key, oauth2, "
       "hmac (did you mean \"oauth2\"?)"},
      {"  auth: {type: bearer}\n", "f.yaml:5: spec.auth.token: is missing; type bearer needs it"},
      {"  auth: {type: bearer, token: \"${secret:t}\"}\n",
       "f.yaml:5: spec.auth.token: secrets may be named only in config of a Source or "
       "Destination"},
      {"  objects: {o: {identity: [id]}}\n",
       "f.yaml:5: spec.objects.o.operations: is missing; an object needs at least one operation"},
      {"  objects: {o: {operations: {upsrt: {request: {path: /}}}}}\n",
       "f.yaml:5: spec.objects.o.operations.upsrt: \"upsrt\" is not one of upsert, update, insert, "
       "remove, append (did you mean \"upsert\"?)"},
      {operation + "          request: {path: v1}\n",
       "f.yaml:9: spec.objects.o.operations.upsert.request.path: must start with /; the base URL "
       "stands before it"},
      {operation + "          request: {path: /, method: PSOT}\n",
       "f.yaml:9: spec.objects.o.operations.upsert.request.method: \"PSOT\" is not one of GET, "
       "POST, PUT, PATCH, DELETE (did you mean \"POST\"?)"},
      {operation + "          request: {path: /}\n          batch: {max_bytes: lots}\n",
       "f.yaml:10: spec.objects.o.operations.upsert.batch.max_bytes: \"lots\" is no size; write "
       "it like 4096, 500kB, 64MB or 1GiB"},
      {operation + "          request: {path: /}\n          batch: {max_bytes: 1GB}\n",
       "f.yaml:10: spec.objects.o.operations.upsert.batch.max_bytes: must be 32MiB or less; a "
       "batch "
       "lies whole in memory"},
      {operation + "          request: {path: /}\n          result: {message: message}\n",
       "f.yaml:10: spec.objects.o.operations.upsert.result.message: \"message\" is no JSON "
       "pointer; write it like /results/0/id"},
      {operation + "          request: {path: /}\n          not_applied: [42]\n",
       "f.yaml:10: spec.objects.o.operations.upsert.not_applied: 42 is no HTTP status; they go "
       "from 100 to 599"},
      {operation + "          request: {path: /}\n          timeout: 11m\n",
       "f.yaml:10: spec.objects.o.operations.upsert.timeout: must be over zero and at most 10m"},
      {operation + "          request: {path: /}\n          confirms: rcord\n",
       "f.yaml:10: spec.objects.o.operations.upsert.confirms: \"rcord\" is not one of record, "
       "batch, none (did you mean \"record\"?)"},
  };
  for (const Case& one : connectors)
    EXPECT_THAT(Messages(Document("Connector", one.spec)), ElementsAre(one.message));
}

TEST(WrongInput, OfDocumentsIsToldByFileAndLine) {
  const Case cases[] = {
      {"- a\n", "f.yaml:1: a document must be a mapping with apiVersion, kind, metadata, spec"},
      {"kind: Source\nmetadata: {name: a}\nspec: {connector: postgres}\n",
       "f.yaml:1: apiVersion is missing; write apiVersion: penstock.dev/v1"},
      {"apiVersion: penstock.dev/v2\nkind: Source\nmetadata: {name: a}\nspec: {connector: "
       "postgres}\n",
       "f.yaml:1: apiVersion: must be penstock.dev/v1"},
      {"apiVersion: penstock.dev/v1\nmetadata: {name: a}\n",
       "f.yaml:1: kind is missing; write one of Source, Model, Destination, Connector, Sync"},
      {"apiVersion: penstock.dev/v1\nkind: Syncs\nmetadata: {name: a}\n",
       "f.yaml:2: kind: \"Syncs\" is not one of Source, Model, Destination, Connector, Sync (did "
       "you mean \"Sync\"?)"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: a}\nspecs: {}\nspec: "
       "{connector: postgres}\n",
       "f.yaml:4: unknown field \"specs\" (did you mean \"spec\"?)"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {nam: a, name: a}\nspec: {connector: "
       "postgres}\n",
       "f.yaml:3: unknown field \"nam\" (did you mean \"name\"?)"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: My_DB}\nspec: {connector: "
       "postgres}\n",
       "f.yaml:3: metadata.name: \"My_DB\" is no valid name; use lower-case letters, digits and "
       "dashes, at most 63, a letter or digit first and last"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {labels: {a: b}}\nspec: {connector: "
       "postgres}\n",
       "f.yaml:3: metadata.name: is missing"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: a, labels: {a: -b}}\nspec: "
       "{connector: postgres}\n",
       "f.yaml:3: metadata.labels.a: \"-b\" is no valid value of a label; use letters, digits, "
       "'-', '_' and '.', at most 63, a letter or digit first and last"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: a, labels: {a: 1}}\nspec: "
       "{connector: postgres}\n",
       "f.yaml:3: metadata.labels.a: must be text; write \"1\" in quotes"},
      {"apiVersion: penstock.dev/v1\nkind: Source\nmetadata: {name: a, renamed_from: a}\nspec: "
       "{connector: postgres}\n",
       "f.yaml:3: metadata.renamed_from: is the resource's own name; remove it"},
  };
  for (const Case& one : cases) EXPECT_THAT(Messages(one.spec), ElementsAre(one.message));
}

TEST(WrongInput, TwoResourcesOfOneNameAreToldWithBothPlaces) {
  const std::string source = Document("Source", "  connector: postgres\n");
  EXPECT_THAT(Messages(source + "---\n" + source),
              ElementsAre("f.yaml:7: Source \"x\" is declared twice; first at f.yaml:1"));
}

TEST(WrongInput, ComesAllAtOnceInTheOrderOfLines) {
  EXPECT_THAT(Messages(SyncWith("  model: nope\n  mode: uppsert\n  identity: [emial]\n")),
              ElementsAre(HasSubstr("f.yaml:5: spec.model: there is no Model"),
                          HasSubstr("f.yaml:6: spec.mode: \"uppsert\""),
                          HasSubstr("f.yaml:7: spec.identity: \"emial\"")));
}

TEST(WrongInput, SaysThatAFileIsNotThere) {
  const DeclaredResources declared = ReadResourceFiles({"/nonexistent/a.yaml"});
  ASSERT_EQ(declared.errors.size(), 1u);
  EXPECT_EQ(declared.errors[0].ToString(), "/nonexistent/a.yaml: there is no such file or folder");
}

}  // namespace
}  // namespace penstock

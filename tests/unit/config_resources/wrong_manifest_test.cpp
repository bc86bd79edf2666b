#include <gmock/gmock.h>

#include <string>

#include "tests/unit/config_resources/messages.h"

// The manifest language: what is wrong with auth, requests and results is told by file and line.
namespace penstock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
  std::string spec;
  std::string message;
};

std::string Api(std::string_view config, std::string_view operation) {
  std::string yaml =
      "apiVersion: penstock.dev/v1\nkind: Destination\nmetadata: {name: x}\nspec:\n"
      "  connector: http\n  config:\n    base_url: https://api.example.com\n";
  yaml += config;
  yaml += "  objects:\n    o:\n      options: {list: {target: true}}\n      operations:\n";
  yaml += "        upsert:\n";
  yaml += operation;
  return yaml;
}

constexpr std::string_view kRequest = "          request: {path: /x, body: {a: 1}}\n";
constexpr std::string_view kSingle = "          batch: {max_records: 1}\n";

TEST(WrongManifest, TheDestinationOfTheseTestsIsValid) {
  EXPECT_THAT(Messages(Api("", kRequest)), IsEmpty());
}

TEST(WrongManifest, OfAuth) {
  const Case cases[] = {
      {"auth: {type: bearr, token: t}",
       "type: \"bearr\" is not one of none, basic, bearer, api_key, oauth2, hmac (did you mean "
       "\"bearer\"?)"},
      {"auth: {token: t}",
       "type: is missing; it is one of none, basic, bearer, api_key, oauth2, hmac"},
      {"auth: {type: none, token: t}", "token: type none has no field \"token\""},
      {"auth: {type: basic, user: u}", "password: is missing; type basic needs it"},
      {"auth: {type: basic, user: u, pasword: p, password: p}",
       "pasword: type basic has no field \"pasword\" (did you mean \"password\"?); it has user, "
       "password"},
      {"auth: {type: bearer, token: \"\"}", "token: is empty"},
      {"auth: {type: api_key, name: X-Key}", "key: is missing; type api_key needs it"},
      {"auth: {type: api_key, name: X-Key, key: k, in: headr}",
       "in: \"headr\" is not one of header, query (did you mean \"header\"?)"},
      {"auth: {type: api_key, name: \"X Key\", key: k}",
       "name: \"X Key\" is no header's name; use letters, digits and -"},
      {"auth: {type: oauth2, token_url: https://id.example.com/token, client_id: i}",
       "client_secret: is missing; type oauth2 needs it"},
      {"auth: {type: oauth2, token_url: id.example.com, client_id: i, client_secret: s}",
       "token_url: \"id.example.com\" is no URL; write it like https://host/path"},
      {"auth: {type: oauth2, token_url: https://id, client_id: i, client_secret: s, client_auth: "
       "header}",
       "client_auth: \"header\" is not one of basic, body"},
      {"auth: {type: oauth2, token_url: https://id, client_id: i, client_secret: s, scopes: a}",
       "scopes: type oauth2 has no field \"scopes\" (did you mean \"scope\"?); it has token_url, "
       "client_id, client_secret, scope, audience, client_auth"},
      {"auth: {type: hmac, secret: s}", "header: is missing; type hmac needs it"},
      {"auth: {type: hmac, secret: s, header: X-S, algorithm: md5}",
       "algorithm: \"md5\" is not one of sha256, sha1, sha512"},
      {"auth: {type: hmac, secret: s, header: X-S, encoding: base32}",
       "encoding: \"base32\" is not one of hex, base64 (did you mean \"base64\"?)"},
      {"auth: {type: hmac, secret: s, header: X-S, secret_encoding: b64}",
       "secret_encoding: \"b64\" is not one of text, base64"},
      {"auth: {type: hmac, secret: s, header: X-S, value: sha256=}", "value: must hold $signature"},
      {"auth: {type: hmac, secret: s, header: X-S, signed: \"v0:$key\"}",
       "signed: must hold $body, else whoever sees a signature may send any body with it"},
      {"auth: {type: hmac, secret: s, header: X-S, signed: \"$tme:$body\"}",
       "signed: $tme is unknown; a $ itself is written $$; there are $body, $timestamp, $key"},
      {"auth: {type: hmac, secret: s, header: X-S, signed: \"$timestamp.$body\"}",
       "signed: holds $timestamp, which nothing tells the destination; name a timestamp_header, or "
       "put it into value"},
      {"auth: {type: hmac, secret: s, header: X-S, timestamp_header: \"a:b\"}",
       "timestamp_header: \"a:b\" is no header's name; use letters, digits and -"},
  };
  for (const Case& one : cases)
    EXPECT_THAT(Messages(Api("    " + one.spec + "\n", kRequest)),
                ElementsAre("f.yaml:8: spec.config.auth." + one.message));
  EXPECT_THAT(Messages(Api("    auth: none\n", kRequest)),
              ElementsAre("f.yaml:8: spec.config.auth: must be a mapping, like {type: none}"));
}

TEST(WrongManifest, OfAConfig) {
  EXPECT_THAT(Messages(Api("    tls_cA: /ca.pem\n", kRequest)),
              ElementsAre("f.yaml:8: spec.config.tls_cA: Connector \"http\" has no use for it (did "
                          "you mean \"tls_ca\"?); it knows base_url, auth, tls_ca, test_path"));
}

TEST(WrongManifest, OfARequest) {
  const Case cases[] = {
      {"{path: \"/x/${config.tenant}\"}",
       "path: ${config.tenant} is not in the Destination's config"},
      {"{path: \"/x/${options.lst}\"}",
       "path: ${options.lst} is no option of the object (did you mean \"list\"?)"},
      {"{path: \"/x/${sync.objct}\"}",
       "path: ${sync.objct} is unknown (did you mean \"sync.object\"?)"},
      {"{path: /x/$id}", "path: $id is unknown; a $ itself is written $$"},
      {"{path: \"/x/${options.list\"}", "path: a ${ has no }"},
      {"{path: /x/$record.identity}",
       "path: ${record.identity} is of one record: say batch: {max_records: 1}, or put it into "
       "{$each: record, $do: …} of a body"},
      {"{path: /x, query: {a: \"${recod.key}\"}}",
       "query.a: ${recod.key} is unknown (did you mean \"record.key\"?)"},
      {"{path: /x, headers: {\"X Y\": z}}",
       "headers.X Y: \"X Y\" is no header's name; use letters, digits and -"},
      {"{path: /x, headers: {Content-Length: \"3\"}}",
       "headers.Content-Length: is set by Penstock; remove it"},
      {"{path: /x, headers: {X-K: \"${record.fields}\"}}",
       "headers.X-K: ${record.fields} is unknown"},
      {"{path: /x, body: {a: [$record.feilds]}}",
       "body: /a/0: $record.feilds is unknown (did you mean \"record.fields\"?); a text that "
       "begins with $ is written $$"},
      {"{path: /x, body: {a: $record.identity}}",
       "body: /a: $record.identity is of one record: say batch: {max_records: 1}, or put it into "
       "{$each: record, $do: …} of a body"},
      {"{path: /x, body: {a: $options.lists}}",
       "body: /a: $options.lists is no option of the object (did you mean \"list\"?)"},
      {"{path: /x, body: {a: 1}, format: xml}", "format: \"xml\" is not one of json, ndjson, form"},
      {"{path: /x, body: {a: 1}, compression: gzp}",
       "compression: \"gzp\" is not one of none, gzip (did you mean \"gzip\"?)"},
      {"{path: /x, format: ndjson}", "body: is missing; format says how it is written"},
      {"{path: /x, format: ndjson, body: {a: 1}}",
       "body: names no $record, so that all lines would be the same; with format: ndjson it is one "
       "record's line, like $record.fields"},
      {"{path: /x, format: ndjson, body: {$each: record, $do: $record.fields}}",
       "body: has $each, but with format: ndjson each line is a record already; leave $each out "
       "and "
       "write what one record's line is"},
      {"{path: /x, format: form, body: {a: {b: c}}}",
       "body: /a: a form has no objects or lists; give the inner fields names of their own, like "
       "\"a[x]\", or send format: json"},
      {"{path: /x, format: form, body: [1]}",
       "body: must be a mapping of names to values, or $record.fields, with format: form"},
  };
  for (const Case& one : cases)
    EXPECT_THAT(Messages(Api("", "          request: " + one.spec + "\n")),
                ElementsAre("f.yaml:13: spec.objects.o.operations.upsert.request." + one.message));
}

TEST(WrongManifest, OfAResult) {
  const Case cases[] = {
      {"{results: /r, by: key}", "by: \"key\" is not one of index, identity"},
      {"{record: /id}", "record: points into the elements of results, which is missing"},
      {"{error_record: /id}", "error_record: points into the elements of errors, which is missing"},
      {"{outcome: ok}", "outcome: \"ok\" is no JSON pointer; write it like /results/0/id"},
      {"{delivered_outcomes: [created]}",
       "delivered_outcomes: are values of outcome, which is missing"},
      {"{results: /r, outcome: /s, delivered_outcomes: created}",
       "delivered_outcomes: must be a list, not text"},
  };
  for (const Case& one : cases)
    EXPECT_THAT(Messages(Api("", std::string(kRequest) + "          result: " + one.spec + "\n")),
                ElementsAre("f.yaml:14: spec.objects.o.operations.upsert.result." + one.message));
  EXPECT_THAT(
      Messages(Api("", std::string(kRequest) + "          confirms: record\n")),
      ElementsAre("f.yaml:12: spec.objects.o.operations.upsert.result: confirms: record "
                  "needs results, where the answer has what became of each record; or record "
                  "or outcome, where the body itself is that array"));
  EXPECT_THAT(Messages(Api("", std::string(kRequest) + "          idempotency_header: \"a b\"\n")),
              ElementsAre("f.yaml:14: spec.objects.o.operations.upsert.idempotency_header: \"a "
                          "b\" is no header's name; use letters, digits and -"));
}

TEST(WrongManifest, OneRecordMayStandInPathAndBody) {
  EXPECT_THAT(Messages(Api("",
                           "          request: {method: PUT, path: /x/$record.identity, format: "
                           "form, body: $record.fields}\n" +
                               std::string(kSingle))),
              IsEmpty());
}

}  // namespace
}  // namespace penstock

#include <string>

#include "services/common/config/resource_kinds.h"

// Connector, and the objects that it shares with Destinations of the connector "http".
namespace penstock {
namespace {

constexpr Choice<Confirms> kConfirms[] = {
    {"record", Confirms::kRecord}, {"batch", Confirms::kBatch}, {"none", Confirms::kNone}};
constexpr Choice<BodyFormat> kFormats[] = {
    {"json", BodyFormat::kJson}, {"ndjson", BodyFormat::kNdjson}, {"form", BodyFormat::kForm}};
constexpr Choice<Compression> kCompressions[] = {{"none", Compression::kNone},
                                                 {"gzip", Compression::kGzip}};
constexpr Choice<RecordName> kRecordNames[] = {{"index", RecordName::kIndex},
                                               {"identity", RecordName::kIdentity}};
constexpr Choice<Normalisation> kNormalisations[] = {{"none", Normalisation::kNone},
                                                     {"lower_trim", Normalisation::kLowerTrim}};
constexpr Choice<ScalarForm> kScalarForms[] = {{"native", ScalarForm::kNative},
                                               {"string", ScalarForm::kString}};
constexpr Choice<Encoding> kEncodings[] = {{"json", Encoding::kJson},
                                           {"pg_binary", Encoding::kPgBinary}};
constexpr Choice<Operation> kOperations[] = {
    {"upsert", Operation::kUpsert}, {"update", Operation::kUpdate}, {"insert", Operation::kInsert},
    {"remove", Operation::kRemove}, {"append", Operation::kAppend}, {"replace", std::nullopt}};

// Vendors' codes are words or numbers.
using Codes = ListForm<PlainForm>;
using Texts = MapForm<PlainForm>;

constexpr Field<RequestTemplate> kRequest[] = {
    {"method", Into<&RequestTemplate::method>, "GET, POST, PUT, PATCH or DELETE; default: POST"},
    {"path", Into<&RequestTemplate::path>,
     "What follows the base URL; may hold ${config.x}, ${options.x}", true},
    {"query", Into<&RequestTemplate::query, Texts>, "Parameters of the URL"},
    {"headers", Into<&RequestTemplate::headers, Texts>, "Headers beside those that Penstock sets"},
    {"body", Into<&RequestTemplate::body, JsonForm>,
     "The body, with $each and $record where records go (docs/connectors.md)"},
    {"format", Into<&RequestTemplate::format, ChoiceForm<kFormats>>,
     "How the body is written; default: json"},
    {"compression", Into<&RequestTemplate::compression, ChoiceForm<kCompressions>>,
     "How the body is compressed; default: none"},
};

constexpr Field<ResultSpec> kResult[] = {
    {"delivered_when", Into<&ResultSpec::delivered_when>,
     "Statuses of success; default: 200 to 299"},
    {"results", Into<&ResultSpec::results>, "JSON pointer to the list of records taken"},
    {"record", Into<&ResultSpec::record>,
     "In an element of results: pointer to the record's name; default: by position"},
    {"errors", Into<&ResultSpec::errors>,
     "Pointer to the list of errors, or to an object with a member per record refused"},
    {"error_record", Into<&ResultSpec::error_record>,
     "In an element of errors: pointer to the name of the record refused"},
    {"by", Into<&ResultSpec::by, ChoiceForm<kRecordNames>>, "What those names are; default: index"},
    {"outcome", Into<&ResultSpec::outcome>,
     "In an element of results: pointer to what became of the record"},
    {"delivered_outcomes", Into<&ResultSpec::delivered_outcomes, Codes>,
     "Values of outcome that mean taken; default: true"},
    {"message", Into<&ResultSpec::message>,
     "In an element, or the body of a refusal: pointer to a text for people"},
    {"code", Into<&ResultSpec::code>, "The same to the vendor's code"},
    {"conflict_codes", Into<&ResultSpec::conflict_codes, Codes>, "Codes that mean: exists already"},
    {"not_found_codes", Into<&ResultSpec::not_found_codes, Codes>, "Codes that mean: not found"},
    {"retryable_codes", Into<&ResultSpec::retryable_codes, Codes>,
     "Codes that are worth another attempt"},
};

using RequestForm = FieldsForm<kRequest>;

constexpr Field<ResolveSpec> kResolve[] = {
    {"request", Into<&ResolveSpec::request, RequestForm>, "The look-up", true},
    {"records", Into<&ResolveSpec::records>, "JSON pointer to the list of records found"},
    {"match", Into<&ResolveSpec::match>, "In an element: pointer to the identity's value"},
    {"id", Into<&ResolveSpec::id>,
     "In an element: pointer to the id, which the request knows as $record.resolved"},
};

constexpr Field<BatchLimits> kBatch[] = {
    {"max_records", Into<&BatchLimits::max_records>, "Most records of a request; default: 1000"},
    {"max_bytes", Into<&BatchLimits::max_bytes, SizeForm>,
     "Most bytes of a request's body; default: 1MB"},
};

constexpr Field<OperationSpec> kOperation[] = {
    {"request", Into<&OperationSpec::request, RequestForm>, "The request that does it"},
    {"batch", Into<&OperationSpec::batch, FieldsForm<kBatch>>, "How much one request carries"},
    {"confirms", Into<&OperationSpec::confirms, ChoiceForm<kConfirms>>,
     "What the answer tells of: each record, the batch, or none; default: batch"},
    {"result", Into<&OperationSpec::result, FieldsForm<kResult>>, "How the answer is read"},
    {"resolve", Into<&OperationSpec::resolve, OptionalForm<FieldsForm<kResolve>>>,
     "A look-up before the request, which turns identities into ids"},
    {"not_applied", Into<&OperationSpec::not_applied>,
     "Statuses that say that nothing was applied; default: 400, 401, 403, 404, 409, 413, 422, 429"},
    {"idempotency_header", Into<&OperationSpec::idempotency_header>,
     "Header for an idempotency key, where the destination honours one"},
    {"timeout", Into<&OperationSpec::timeout>, "Of one attempt, at most 10m; default: 20s"},
    {"coalesce"},
};

struct OperationsForm {
  static void Read(const YamlValue& value, const FieldScope& scope,
                   std::map<Operation, OperationSpec>& out) {
    if (!ExpectMap(value, scope)) return;
    for (const YamlMember& member : value.members) {
      FieldScope field = scope.Child(member.key, member.line);
      field.Remember();
      Operation operation{};
      ChoiceForm<kOperations>::ReadWord(member.key, field, operation);
      if (operation != Operation{})
        ReadFields<OperationSpec>(member.value, field, kOperation, out[operation]);
    }
  }
  static JsonSchema Schema() {
    return {{"type", "object"},
            {"propertyNames", ChoiceForm<kOperations>::Schema()},
            {"additionalProperties", FieldsSchema<OperationSpec>(kOperation)}};
  }
};

struct OptionSpec {
  bool target = false;
};
constexpr Field<OptionSpec> kOption[] = {
    {"target", Into<&OptionSpec::target>, "It is part of what a Sync writes to"}};

// Option -> whether it is part of the target.
struct OptionsForm {
  static void Read(const YamlValue& value, const FieldScope& scope,
                   std::map<std::string, bool>& out) {
    std::map<std::string, OptionSpec> options;
    MapForm<FieldsForm<kOption>>::Read(value, scope, options);
    for (const auto& [name, option] : options) out[name] = option.target;
  }
  static JsonSchema Schema() { return MapForm<FieldsForm<kOption>>::Schema(); }
};

constexpr Field<ObjectSpec> kObject[] = {
    {"identity", Into<&ObjectSpec::identity>, "Fields that may be the identity; default: any"},
    {"normalise", Into<&ObjectSpec::normalise, MapForm<ChoiceForm<kNormalisations>>>,
     "How the destination compares an identity field, by its name"},
    {"options", Into<&ObjectSpec::options, OptionsForm>, "What a Sync may set, by name"},
    {"operations", Into<&ObjectSpec::operations, OperationsForm>, "What can be done", true},
};

constexpr Field<ValueRules> kValues[] = {
    {"scalars", Into<&ValueRules::scalars, ChoiceForm<kScalarForms>>,
     "string: numbers and booleans are sent as texts"},
    {"big_integers", Into<&ValueRules::big_integers, ChoiceForm<kScalarForms>>,
     "string: integers beyond 2^53 are sent as texts"},
    {"null", Into<&ValueRules::null, JsonForm>, "What clears a field; default: null"},
};

constexpr Field<Connector> kConnector[] = {
    {"native", Into<&Connector::native>, "The implementation of what no manifest can say"},
    {"encoding", Into<&Connector::encoding, ChoiceForm<kEncodings>>,
     "How values travel; default: json"},
    {"base_url", Into<&Connector::base_url>,
     "What stands before each path; a Destination's config.base_url takes its place"},
    {"auth", Into<&Connector::auth, ConfigForm>,
     "How requests are authorised: type, and what that type needs (docs/connectors.md)"},
    {"quotas", Into<&Connector::quotas>, "Limits of an account, by name"},
    {"values", Into<&Connector::values, FieldsForm<kValues>>, "How values are written"},
    {"objects", Into<&Connector::objects>, "What the destination holds, by name"},
};

}  // namespace

void FormOf<ObjectSpec>::Read(const YamlValue& value, const FieldScope& scope, ObjectSpec& out) {
  ReadFields<ObjectSpec>(value, scope, kObject, out);
}
JsonSchema FormOf<ObjectSpec>::Schema() {
  return FieldsSchema<ObjectSpec>(kObject);
}

void FormOf<Connector>::Read(const YamlValue& spec, const FieldScope& scope, Connector& out) {
  ReadFields<Connector>(spec, scope, kConnector, out);
}
JsonSchema FormOf<Connector>::Schema() {
  return FieldsSchema<Connector>(kConnector);
}

}  // namespace penstock

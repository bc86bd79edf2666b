#include <span>
#include <string>

#include "services/common/config/resource_kinds.h"
#include "services/common/config/resource_values.h"

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

void ReadFormat(const YamlValue& value, const FieldScope& scope, BodyFormat& out) {
  ReadChoice<BodyFormat>(value, scope, kFormats, out);
}

void ReadCompression(const YamlValue& value, const FieldScope& scope, Compression& out) {
  ReadChoice<Compression>(value, scope, kCompressions, out);
}

constexpr Field<RequestTemplate> kRequest[] = {
    {"method", Into<&RequestTemplate::method>},
    {"path", Into<&RequestTemplate::path>},
    {"query", IntoBy<&RequestTemplate::query, ReadTexts>},
    {"headers", IntoBy<&RequestTemplate::headers, ReadTexts>},
    {"body", IntoBy<&RequestTemplate::body, ReadJson>},
    {"format", IntoBy<&RequestTemplate::format, ReadFormat>},
    {"compression", IntoBy<&RequestTemplate::compression, ReadCompression>},
};

void ReadRequest(const YamlValue& value, const FieldScope& scope, RequestTemplate& out) {
  ReadFields<RequestTemplate>(value, scope, kRequest, out);
}

// Vendors' codes are words or numbers.
void ReadCodes(const YamlValue& value, const FieldScope& scope, std::vector<std::string>& out) {
  if (!ExpectList(value, scope)) return;
  for (size_t i = 0; i < value.items.size(); ++i)
    ReadScalarText(value.items[i], scope.Item(i, value.items[i].line), out.emplace_back());
}

void ReadRecordName(const YamlValue& value, const FieldScope& scope, RecordName& out) {
  ReadChoice<RecordName>(value, scope, kRecordNames, out);
}

constexpr Field<ResultSpec> kResult[] = {
    {"delivered_when", Into<&ResultSpec::delivered_when>},
    {"results", Into<&ResultSpec::results>},
    {"record", Into<&ResultSpec::record>},
    {"errors", Into<&ResultSpec::errors>},
    {"error_record", Into<&ResultSpec::error_record>},
    {"by", IntoBy<&ResultSpec::by, ReadRecordName>},
    {"outcome", Into<&ResultSpec::outcome>},
    {"delivered_outcomes", IntoBy<&ResultSpec::delivered_outcomes, ReadCodes>},
    {"message", Into<&ResultSpec::message>},
    {"code", Into<&ResultSpec::code>},
    {"conflict_codes", IntoBy<&ResultSpec::conflict_codes, ReadCodes>},
    {"not_found_codes", IntoBy<&ResultSpec::not_found_codes, ReadCodes>},
    {"retryable_codes", IntoBy<&ResultSpec::retryable_codes, ReadCodes>},
};

void ReadResult(const YamlValue& value, const FieldScope& scope, ResultSpec& out) {
  ReadFields<ResultSpec>(value, scope, kResult, out);
}

constexpr Field<ResolveSpec> kResolve[] = {
    {"request", IntoBy<&ResolveSpec::request, ReadRequest>},
    {"records", Into<&ResolveSpec::records>},
    {"match", Into<&ResolveSpec::match>},
    {"id", Into<&ResolveSpec::id>},
};

void ReadResolve(const YamlValue& value, const FieldScope& scope, std::optional<ResolveSpec>& out) {
  ReadFields<ResolveSpec>(value, scope, kResolve, out.emplace());
}

constexpr Field<BatchLimits> kBatch[] = {
    {"max_records", Into<&BatchLimits::max_records>},
    {"max_bytes", IntoBy<&BatchLimits::max_bytes, ReadSize>},
};

void ReadBatch(const YamlValue& value, const FieldScope& scope, BatchLimits& out) {
  ReadFields<BatchLimits>(value, scope, kBatch, out);
}

void ReadConfirms(const YamlValue& value, const FieldScope& scope, Confirms& out) {
  ReadChoice<Confirms>(value, scope, kConfirms, out);
}

// A list in the manifest takes the place of the default one.
void ReadStatuses(const YamlValue& value, const FieldScope& scope, std::vector<int>& out) {
  out.clear();
  Read(value, scope, out);
}

constexpr Field<OperationSpec> kOperation[] = {
    {"request", IntoBy<&OperationSpec::request, ReadRequest>},
    {"batch", IntoBy<&OperationSpec::batch, ReadBatch>},
    {"confirms", IntoBy<&OperationSpec::confirms, ReadConfirms>},
    {"result", IntoBy<&OperationSpec::result, ReadResult>},
    {"resolve", IntoBy<&OperationSpec::resolve, ReadResolve>},
    {"not_applied", IntoBy<&OperationSpec::not_applied, ReadStatuses>},
    {"idempotency_header", Into<&OperationSpec::idempotency_header>},
    {"timeout", Into<&OperationSpec::timeout>},
    {"coalesce"},
};

void ReadOperations(const YamlValue& value, const FieldScope& scope,
                    std::map<Operation, OperationSpec>& out) {
  if (!ExpectMap(value, scope)) return;
  for (const YamlMember& member : value.members) {
    FieldScope field = scope.Child(member.key, member.line);
    field.Remember();
    Operation operation{};
    ReadChoice<Operation>(
        {.kind = YamlValue::Kind::kScalar, .line = member.line, .text = member.key}, field,
        kOperations, operation);
    if (operation != Operation{})
      ReadFields<OperationSpec>(member.value, field, kOperation, out[operation]);
  }
}

void ReadNormalise(const YamlValue& value, const FieldScope& scope,
                   std::map<std::string, Normalisation>& out) {
  if (!ExpectMap(value, scope)) return;
  for (const YamlMember& member : value.members) {
    ReadChoice<Normalisation>(member.value, scope.Child(member.key, member.line), kNormalisations,
                              out[member.key]);
  }
}

struct OptionSpec {
  bool target = false;
};
constexpr Field<OptionSpec> kOption[] = {{"target", Into<&OptionSpec::target>}};

void ReadOptions(const YamlValue& value, const FieldScope& scope,
                 std::map<std::string, bool>& out) {
  if (!ExpectMap(value, scope)) return;
  for (const YamlMember& member : value.members) {
    OptionSpec option;
    ReadFields<OptionSpec>(member.value, scope.Child(member.key, member.line), kOption, option);
    out[member.key] = option.target;
  }
}

constexpr Field<ObjectSpec> kObject[] = {
    {"identity", Into<&ObjectSpec::identity>},
    {"normalise", IntoBy<&ObjectSpec::normalise, ReadNormalise>},
    {"options", IntoBy<&ObjectSpec::options, ReadOptions>},
    {"operations", IntoBy<&ObjectSpec::operations, ReadOperations>},
};

void ReadScalarForm(const YamlValue& value, const FieldScope& scope, ScalarForm& out) {
  ReadChoice<ScalarForm>(value, scope, kScalarForms, out);
}

constexpr Field<ValueRules> kValues[] = {
    {"scalars", IntoBy<&ValueRules::scalars, ReadScalarForm>},
    {"big_integers", IntoBy<&ValueRules::big_integers, ReadScalarForm>},
    {"null", IntoBy<&ValueRules::null, ReadJson>},
};

void ReadValues(const YamlValue& value, const FieldScope& scope, ValueRules& out) {
  ReadFields<ValueRules>(value, scope, kValues, out);
}

void ReadEncoding(const YamlValue& value, const FieldScope& scope, Encoding& out) {
  ReadChoice<Encoding>(value, scope, kEncodings, out);
}

constexpr Field<Connector> kConnector[] = {
    {"native", Into<&Connector::native>},
    {"encoding", IntoBy<&Connector::encoding, ReadEncoding>},
    {"base_url", Into<&Connector::base_url>},
    {"auth", IntoBy<&Connector::auth, ReadFlat>},
    {"quotas", Into<&Connector::quotas>},
    {"values", IntoBy<&Connector::values, ReadValues>},
    {"objects", Into<&Connector::objects>},
};

}  // namespace

void Read(const YamlValue& value, const FieldScope& scope, ObjectSpec& out) {
  ReadFields<ObjectSpec>(value, scope, kObject, out);
}

void ReadSpec(const YamlValue& spec, const FieldScope& scope, Connector& out) {
  ReadFields<Connector>(spec, scope, kConnector, out);
}

}  // namespace penstock

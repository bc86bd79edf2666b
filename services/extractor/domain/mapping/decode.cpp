#include "services/extractor/domain/mapping/decode.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "absl/strings/escaping.h"
#include "services/common/core/status.h"
#include "services/common/values/date_time.h"
#include "services/common/values/json_text.h"
#include "services/common/values/utf8.h"
#include "services/extractor/domain/mapping/big_endian.h"
#include "services/extractor/domain/mapping/numeric.h"

namespace penstock {
namespace {

ValueError Malformed() {
  return NotRepresentable("its bytes are not of the type that the read asked for");
}

template <typename Float>
MaybeError DecodeFloat(Float value, std::string& scratch, Value& out) {
  if (std::isnan(value)) return NotRepresentable("it is NaN");
  if (std::isinf(value)) return NotRepresentable("it is infinite");
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  scratch.assign(text, end);
  out = {Value::Kind::kNumber, scratch};
  return std::nullopt;
}

MaybeError DecodeInteger(int64_t value, std::string& scratch, Value& out) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  scratch.assign(text, end);
  out = {Value::Kind::kInteger, scratch};
  return std::nullopt;
}

void AppendUuid(std::string& out, std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    unsigned char c = static_cast<unsigned char>(bytes[i]);
    out += kHex[c >> 4];
    out += kHex[c & 15];
  }
}

// Whether a value of this base has the right number of bytes; 0: any number.
size_t FixedSize(WireBase base) {
  switch (base) {
    case WireBase::kInt8:
    case WireBase::kFloat8:
    case WireBase::kTimestamp:
    case WireBase::kTimestampTz:
      return 8;
    case WireBase::kFloat4:
    case WireBase::kDate:
      return 4;
    case WireBase::kBool:
      return 1;
    case WireBase::kUuid:
    case WireBase::kInterval:
      return 16;
    default:
      return 0;
  }
}

MaybeError DecodeScalar(WireBase base, std::string_view bytes, const absl::TimeZone& zone,
                        std::string& scratch, Value& out) {
  if (size_t size = FixedSize(base); size != 0 && bytes.size() != size) return Malformed();
  auto as_text = [&](MaybeError error) {
    out = {Value::Kind::kText, scratch};
    return error;
  };
  switch (base) {
    case WireBase::kInt8:
      return DecodeInteger(LoadBig<int64_t>(bytes.data()), scratch, out);
    case WireBase::kFloat4:
      return DecodeFloat(std::bit_cast<float>(LoadBig<uint32_t>(bytes.data())), scratch, out);
    case WireBase::kFloat8:
      return DecodeFloat(std::bit_cast<double>(LoadBig<uint64_t>(bytes.data())), scratch, out);
    case WireBase::kNumeric:
      return DecodeNumeric(bytes, scratch, out);
    case WireBase::kBool:
      out = {Value::Kind::kBoolean, bytes[0] != 0 ? "true" : "false"};
      return std::nullopt;
    case WireBase::kText:
      if (!IsUtf8(bytes)) return NotRepresentable("its text is not UTF-8");
      out = {Value::Kind::kText, bytes};
      return std::nullopt;
    case WireBase::kUuid:
      scratch.clear();
      AppendUuid(scratch, bytes);
      return as_text(std::nullopt);
    case WireBase::kDate:
      scratch.clear();
      return as_text(AppendDate(scratch, LoadBig<int32_t>(bytes.data())));
    case WireBase::kTimestamp:
      scratch.clear();
      return as_text(AppendLocalTimestamp(scratch, LoadBig<int64_t>(bytes.data()), zone));
    case WireBase::kTimestampTz:
      scratch.clear();
      return as_text(AppendTimestamp(scratch, LoadBig<int64_t>(bytes.data())));
    case WireBase::kInterval:
      scratch.clear();
      return as_text(AppendInterval(scratch, LoadBig<int64_t>(bytes.data()),
                                    LoadBig<int32_t>(bytes.data() + 8),
                                    LoadBig<int32_t>(bytes.data() + 12)));
    case WireBase::kJsonb:
      if (bytes.empty() || bytes[0] != 1) return Malformed();
      bytes.remove_prefix(1);
      [[fallthrough]];
    case WireBase::kJson:
      if (!IsUtf8(bytes)) return NotRepresentable("its JSON is not UTF-8");
      return JsonAt(bytes, {}, scratch, out);
    case WireBase::kBytea:
      scratch = absl::Base64Escape(Absl(bytes));
      return as_text(std::nullopt);
  }
  return Malformed();
}

void AppendJson(std::string& out, const Value& value) {
  if (value.null()) {
    out += "null";
  } else if (value.kind == Value::Kind::kText) {
    AppendJsonString(out, value.text);
  } else {
    out += value.text;
  }
}

// An array's binary form: i32 dimensions, i32 flags, u32 element type; per dimension i32 length and
// i32 lower bound; then the elements in row-major order, each i32 length (-1: NULL) and bytes.
class ArrayDecoder {
 public:
  ArrayDecoder(WireBase base, std::string_view bytes, const absl::TimeZone& zone, std::string& out)
      : base_(base), rest_(bytes), zone_(zone), out_(out) {}

  MaybeError Run() {
    constexpr int32_t kMaxDimensions = 6;  // PostgreSQL's MAXDIM
    if (rest_.size() < 12) return Malformed();
    int32_t dimensions = Int();
    rest_.remove_prefix(8);
    if (dimensions < 0 || dimensions > kMaxDimensions ||
        rest_.size() < static_cast<size_t>(dimensions) * 8)
      return Malformed();
    if (dimensions == 0) out_ += "[]";
    const char* sizes = rest_.data();
    rest_.remove_prefix(static_cast<size_t>(dimensions) * 8);
    if (dimensions == 0) return std::nullopt;
    return MayHold(sizes, dimensions) ? Dimension(sizes, dimensions) : Malformed();
  }

 private:
  int32_t Int() {
    int32_t value = LoadBig<int32_t>(rest_.data());
    rest_.remove_prefix(4);
    return value;
  }

  // Every element has four bytes at least, so that lengths can't make more of them than there are.
  bool MayHold(const char* sizes, int32_t dimensions) const {
    uint64_t elements = 1;
    for (int32_t i = 0; i < dimensions; ++i) {
      const int32_t length = LoadBig<int32_t>(sizes + static_cast<ptrdiff_t>(i) * 8);
      if (length <= 0) return false;
      elements *= static_cast<uint64_t>(length);
      if (elements > rest_.size() / 4) return false;
    }
    return true;
  }

  MaybeError Dimension(const char* sizes, int32_t left) {
    int32_t length = LoadBig<int32_t>(sizes);
    out_ += '[';
    for (int32_t i = 0; i < length; ++i) {
      if (i > 0) out_ += ',';
      MaybeError error = left > 1 ? Dimension(sizes + 8, left - 1) : Element();
      if (error.has_value()) return error;
    }
    out_ += ']';
    return std::nullopt;
  }

  MaybeError Element() {
    if (rest_.size() < 4) return Malformed();
    int32_t size = Int();
    if (size < 0) {
      out_ += "null";
      return std::nullopt;
    }
    if (rest_.size() < static_cast<size_t>(size)) return Malformed();
    Value value;
    MaybeError error =
        DecodeScalar(base_, rest_.substr(0, static_cast<size_t>(size)), zone_, scratch_, value);
    if (error.has_value()) return error;
    rest_.remove_prefix(static_cast<size_t>(size));
    AppendJson(out_, value);
    return std::nullopt;
  }

  WireBase base_;
  std::string_view rest_;
  const absl::TimeZone& zone_;
  std::string& out_;
  std::string scratch_;
};

}  // namespace

MaybeError Decode(const WireType& type, std::string_view bytes, const absl::TimeZone& zone,
                  std::string& scratch, Value& out) {
  if (!type.array) return DecodeScalar(type.base, bytes, zone, scratch, out);
  scratch.clear();
  MaybeError error = ArrayDecoder(type.base, bytes, zone, scratch).Run();
  out = {Value::Kind::kJson, scratch};
  return error;
}

}  // namespace penstock

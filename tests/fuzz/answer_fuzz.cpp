// What a destination answers. The input is a status (u16), then the body.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/loader/domain/answer_reader.h"

namespace {

using namespace penstock;
using namespace penstock::loader;

AnswerReader MakeReader(Confirms confirms, bool traced) {
  OperationSpec spec;
  spec.batch.max_records = 100;
  spec.confirms = confirms;
  spec.result.results = "/results";
  spec.result.record = "/trace";
  spec.result.errors = "/errors";
  spec.result.error_record = "/context/trace/0";
  spec.result.message = "/message";
  return *AnswerReader::Make(Operation::kUpsert, spec, traced);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::array readers = {
      MakeReader(Confirms::kRecord, true), MakeReader(Confirms::kRecord, false),
      MakeReader(Confirms::kBatch, true), MakeReader(Confirms::kNone, false)};
  if (size < 2) return 0;
  const int status = 100 + (data[0] * 256 + data[1]) % 500;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  constexpr std::array<uint32_t, 3> kRecords = {4, 7, 9};
  const HttpAnswer answer{status, body, [&](std::string_view) { return body.substr(0, 40); }};
  for (const AnswerReader& reader : readers) {
    const Answer read = reader.Read(answer, kRecords, WallTime());
    // Each record has its own fate, or the answer speaks of none.
    if (read.verdict == Verdict::kRecords && read.records.size() != kRecords.size()) std::abort();
    static_cast<void>(reader.ReadLookUp(answer, WallTime()));
  }
  return 0;
}

// What an unchanged row costs the extractor beyond receiving it: key, row hash and look-up, over a
// snapshot of as many entries as there are rows. Usage: bench_diff [rows]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "services/common/core/clock.h"
#include "services/extractor/domain/diff/differ.h"
#include "services/extractor/domain/mapping/big_endian.h"

namespace penstock {
namespace {

constexpr uint64_t kSeed = 1;
constexpr size_t kBlock = 64;
constexpr size_t kSegmentEntries = 600'000;

class Nothing final : public DiffSink {
  absl::Status Emit(const Intent&, std::string_view, const RenderedRecord&, Disposal) override {
    return absl::OkStatus();
  }
  absl::Status Invalid(std::string_view, const ValueError&) override { return absl::OkStatus(); }
};

// Ten columns of some 110 bytes together: a bigint key, a text, and eight more bigints.
constexpr int kColumns = 10;

Program MakeProgram() {
  Sync sync;
  sync.identity = {"c0"};
  Model model;
  model.primary_key = {"c0"};
  ModelDescription description;
  for (int i = 0; i < kColumns; ++i) {
    Column column{"c" + std::to_string(i), {}};
    column.type.oid = i == 1 ? 25 : 20;
    FieldMapping field;
    field.path = {column.name};
    field.from = FieldMapping::Column{column.name, {}};
    description.columns.push_back(column);
    sync.mapping.push_back(field);
  }
  std::string timezone = "UTC";
  return *Compile({sync, model, description, timezone}).program;
}

// A block of rows in one buffer, as libpq gives them.
class Block {
 public:
  void Fill(uint64_t first, size_t rows) {
    bytes_.clear();
    fields_.clear();
    rows_.clear();
    std::vector<size_t> starts;
    std::vector<std::pair<size_t, int32_t>> places;
    for (uint64_t id = first; id < first + rows; ++id) {
      starts.push_back(bytes_.size());
      for (int c = 0; c < kColumns; ++c) {
        int32_t size = c == 1 ? 12 : 8;
        AppendBig(bytes_, size);
        places.emplace_back(bytes_.size(), size);
        if (c == 1) {
          bytes_ += "some text...";
        } else {
          AppendBig(bytes_, static_cast<int64_t>(id * (c + 1)));
        }
      }
    }
    starts.push_back(bytes_.size());
    for (const auto& [at, size] : places) fields_.push_back({bytes_.data() + at, size});
    for (size_t i = 0; i < rows; ++i)
      rows_.push_back({std::string_view(bytes_).substr(starts[i], starts[i + 1] - starts[i]),
                       std::span(fields_).subspan(i * kColumns, kColumns)});
  }
  std::span<const RawRow> rows() const { return rows_; }

 private:
  std::string bytes_;
  std::vector<RawField> fields_;
  std::vector<RawRow> rows_;
};

std::vector<std::string> MakeSnapshot(const Program& program, uint64_t n) {
  Mapper mapper(program, kSeed);
  std::vector<Entry> entries;
  entries.reserve(n);
  Block block;
  for (uint64_t id = 0; id < n; id += kBlock) {
    block.Fill(id, std::min<uint64_t>(kBlock, n - id));
    for (const RawRow& row : block.rows()) {
      Entry entry;
      static_cast<void>(mapper.Key(row, entry.key));
      entry.row = mapper.RowHash(row);
      entries.push_back(entry);
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.key < b.key; });
  std::vector<std::string> segments;
  SegmentBuilder builder({.recipe = program.recipe});
  for (const Entry& entry : entries) {
    builder.Add(entry);
    if (builder.entries() == kSegmentEntries) segments.push_back(builder.Finish());
  }
  segments.push_back(builder.Finish());
  return segments;
}

double NanosecondsPer(BootTime from, uint64_t n) {
  return std::chrono::duration<double, std::nano>(BootClock::now() - from).count() /
         static_cast<double>(n);
}

int Run(uint64_t n) {
  Program program = MakeProgram();
  std::vector<std::string> segments = MakeSnapshot(program, n);
  std::vector<SegmentView> level;
  for (const std::string& segment : segments) level.push_back(*SegmentView::Open(segment, false));

  BootTime start = BootClock::now();
  SnapshotIndex index({level});
  std::printf("index           %6.1f ns/entry\n", NanosecondsPer(start, n));

  Mapper mapper(program, kSeed);
  DeferralIndex deferrals({}, program.recipe, 0);
  Nothing sink;
  DifferOptions options;
  options.spill_directory = std::filesystem::temp_directory_path();
  Differ differ(program, mapper, index, deferrals, options, sink);
  Block block;
  double spent = 0;
  // Rows come in an order of their own, so look-ups are spread over the whole snapshot.
  for (uint64_t id = 0; id < n; id += kBlock) {
    block.Fill(id, std::min<uint64_t>(kBlock, n - id));
    BootTime from = BootClock::now();
    if (!differ.Add(block.rows()).ok()) return 1;
    spent += std::chrono::duration<double, std::nano>(BootClock::now() - from).count();
  }
  if (!differ.Finish().ok() || differ.counters().unchanged != n) return 1;
  std::printf("unchanged row   %6.1f ns (key, row hash, look-up, bitmap)\n",
              spent / static_cast<double>(n));
  return 0;
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  return penstock::Run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3'000'000);
}

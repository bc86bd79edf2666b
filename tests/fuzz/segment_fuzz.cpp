// A segment from state or from the extractor's cache: damaged bytes give wrong entries at worst.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "services/common/core/bytes.h"
#include "services/common/model/snapshot.h"

namespace {

using penstock::SegmentKind;
using penstock::SegmentView;

void ReadAll(const SegmentView& view) {
  size_t identities = 0;
  for (uint32_t i = 0; i < view.size(); ++i) {
    if (view.header().kind == SegmentKind::kDeferrals) {
      static_cast<void>(view.deferral(i));
    } else {
      for (const char c : view.entry(i).identity) identities += static_cast<uint8_t>(c);
    }
    static_cast<void>(view.Find(view.key(i)));
  }
  static_cast<void>(view.Find({identities, 7}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (const auto view = SegmentView::Open(bytes, /*verify_checksum=*/false); view.ok())
    ReadAll(*view);

  // With the right checksum it must hold its order, or be refused.
  constexpr size_t kChecksum = 8;
  if (bytes.size() < kChecksum) return 0;
  bytes.resize(bytes.size() - kChecksum);
  penstock::ByteWriter(bytes).Int(penstock::HashBytes64(bytes));
  const auto checked = SegmentView::Open(bytes, /*verify_checksum=*/true);
  if (!checked.ok()) return 0;
  ReadAll(*checked);
  for (uint32_t i = 0; i < checked->size(); ++i) {
    if (checked->Find(checked->key(i)) != i) std::abort();
  }
  std::vector<penstock::LevelSource> levels;
  levels.push_back([&, given = false]() mutable -> absl::StatusOr<std::optional<std::string>> {
    return std::exchange(given, true) ? std::nullopt : std::optional(bytes);
  });
  uint32_t merged = 0;
  const auto count = [&](const std::string&, const penstock::SegmentHeader& header) {
    merged += header.entries;
    return absl::OkStatus();
  };
  if (!penstock::MergeLevels(std::move(levels), {.layout = checked->header()}, count).ok() ||
      merged != checked->size())
    std::abort();
  return 0;
}

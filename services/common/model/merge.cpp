#include "services/common/core/status.h"
#include "services/common/model/snapshot.h"

namespace penstock {
namespace {

// Walks one level, holding one of its segments at a time.
class LevelCursor {
 public:
  explicit LevelCursor(LevelSource source) : source_(std::move(source)) {}

  // Steps to the first or next entry; done() afterwards says whether there was one.
  absl::Status Advance() {
    if (view_.has_value()) ++index_;
    while (!view_.has_value() || index_ >= view_->size()) {
      PENSTOCK_ASSIGN_OR_RETURN(std::optional<std::string> bytes, source_());
      if (!bytes.has_value()) {
        done_ = true;
        view_.reset();
        return absl::OkStatus();
      }
      bytes_ = *std::move(bytes);
      PENSTOCK_ASSIGN_OR_RETURN(view_, SegmentView::Open(bytes_, true));
      index_ = 0;
      if (view_->size() > 0 && last_.has_value() && view_->key(0) <= *last_)
        return Error(ErrorCode::kDATA_CORRUPT, "level: its segments overlap");
      if (view_->size() > 0) last_ = view_->key(view_->size() - 1);
    }
    return absl::OkStatus();
  }
  bool done() const { return done_; }
  Hash128 key() const { return view_->key(index_); }
  const SegmentView& view() const { return *view_; }
  uint32_t index() const { return index_; }

 private:
  LevelSource source_;
  std::string bytes_;
  std::optional<SegmentView> view_;
  std::optional<Hash128> last_;
  uint32_t index_ = 0;
  bool done_ = false;
};

// Cuts the result into segments.
class SegmentWriter {
 public:
  SegmentWriter(const MergeOptions& options, const SegmentSink& emit)
      : options_(options), emit_(emit), builder_(options.layout) {}

  absl::Status Copy(const SegmentView& from, uint32_t index) {
    bool foreign = from.header().recipe != options_.layout.recipe;
    if (options_.layout.kind == SegmentKind::kLevel) {
      Entry entry = from.entry(index);
      if (entry.tombstone && options_.drop_tombstones) return absl::OkStatus();
      if (foreign) entry.row = kForeignRow;
      if (options_.doubt.has_value() && !entry.tombstone) {
        entry.in_doubt = true;
        entry.emission = *options_.doubt;
      }
      builder_.Add(entry);
    } else {
      Deferral deferral = from.deferral(index);
      if (deferral.cleared && options_.drop_tombstones) return absl::OkStatus();
      if (foreign) deferral.row = kForeignRow;
      builder_.Add(deferral);
    }
    if (builder_.bytes() < options_.max_segment_bytes) return absl::OkStatus();
    return Flush();
  }

  absl::Status Flush() {
    if (builder_.entries() == 0) return absl::OkStatus();
    SegmentHeader header = options_.layout;
    header.entries = builder_.entries();
    return emit_(builder_.Finish(), header);
  }

 private:
  const MergeOptions& options_;
  const SegmentSink& emit_;
  SegmentBuilder builder_;
};

}  // namespace

absl::Status MergeLevels(std::vector<LevelSource> newest_first, const MergeOptions& options,
                         const SegmentSink& emit) {
  std::vector<LevelCursor> cursors;
  for (LevelSource& source : newest_first) cursors.emplace_back(std::move(source));
  for (LevelCursor& cursor : cursors) PENSTOCK_RETURN_IF_ERROR(cursor.Advance());

  SegmentWriter writer(options, emit);
  while (true) {
    LevelCursor* newest = nullptr;  // among those that stand at the least key
    for (LevelCursor& cursor : cursors) {
      if (!cursor.done() && (newest == nullptr || cursor.key() < newest->key())) newest = &cursor;
    }
    if (newest == nullptr) return writer.Flush();
    if (newest->view().header().kind != options.layout.kind)
      return Error(ErrorCode::kDATA_CORRUPT, "merge: a segment is of another kind");
    PENSTOCK_RETURN_IF_ERROR(writer.Copy(newest->view(), newest->index()));
    const Hash128 key = newest->key();
    for (LevelCursor& cursor : cursors) {
      if (!cursor.done() && cursor.key() == key) PENSTOCK_RETURN_IF_ERROR(cursor.Advance());
    }
  }
}

}  // namespace penstock

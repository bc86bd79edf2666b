#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "penstock/v1/resource_service.pb.h"
#include "services/common/core/uuid.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

// The resources that a run works with: the stored ones, but those that its plan was given in their
// place.
class RunResources {
 public:
  // RESOURCE_NOT_FOUND when there is no such run.
  static absl::StatusOr<RunResources> Load(PgTransaction& tx, const Uuid& run);

  // The newest, its etag the revision; "0" for one of the plan's own. RESOURCE_NOT_FOUND.
  absl::StatusOr<penstock::v1::Resource> Newest(const char* kind, const std::string& name) const;
  // As a read has pinned it; DATA_CORRUPT when it is gone.
  absl::StatusOr<penstock::v1::Resource> At(const char* kind, const std::string& name,
                                            int64_t revision) const;
  const std::string& sync() const { return sync_; }
  // Where records go instead of the Sync's Destination; empty: there.
  const std::string& sends_to() const { return sends_to_; }

 private:
  explicit RunResources(PgTransaction& tx) : tx_(tx) {}
  const penstock::v1::Resource* FindOwn(const char* kind, const std::string& name) const;

  PgTransaction& tx_;
  std::string sync_, sends_to_;
  penstock::v1::ApplyResourcesRequest overlay_;
};

// What one read works with: Sync, Model and Connector as it has pinned them, the newest
// connections. The Sync names the Destination that gets the records.
struct ReadResources {
  penstock::v1::Sync sync;
  penstock::v1::Model model;
  penstock::v1::Source source;
  penstock::v1::Destination destination;
  penstock::v1::Connector connector;
};
absl::StatusOr<ReadResources> LoadReadResources(PgTransaction& tx, const Uuid& run, int64_t read);

}  // namespace penstock::state

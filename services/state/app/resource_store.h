#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "penstock/internal/v1/planning.pb.h"

namespace penstock {
class PgTransaction;
}

namespace penstock::state {

namespace pb = penstock::internal::v1;

// "Source" …
const char* KindOf(const penstock::v1::Resource& resource);
const penstock::v1::Metadata& MetadataOf(const penstock::v1::Resource& resource);

// Stores and deletes resources that the planner has checked: all or none. A resource whose etag is
// no longer current is refused (STALE_REVISION); one equal to what is stored keeps its revision.
// Syncs get their snapshot and schedule; a rename moves delivered rows, runs and history; runs that
// wait for a person are let go on.
absl::Status StoreResources(PgTransaction& tx, const pb::StoreResourcesRequest& request,
                            pb::StoreResourcesResponse& response);

absl::Status ListResources(PgTransaction& tx, const pb::ListResourcesRequest& request,
                           pb::ListResourcesResponse& response);

// The newest revision; RESOURCE_NOT_FOUND.
absl::StatusOr<penstock::v1::Resource> LoadResource(PgTransaction& tx, const char* kind,
                                                    const std::string& name);
// A certain one; DATA_CORRUPT when it is gone.
absl::StatusOr<penstock::v1::Resource> LoadRevision(PgTransaction& tx, const char* kind,
                                                    const std::string& name, int64_t revision);

absl::Status DescribeSnapshots(PgTransaction& tx, const pb::DescribeSnapshotsRequest& request,
                               pb::DescribeSnapshotsResponse& response);

}  // namespace penstock::state

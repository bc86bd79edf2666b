#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "services/extractor/app/feeding.h"
#include "services/extractor/app/task_context.h"

namespace penstock::extractor {

// The three things that a task can be. Each runs on the task's own thread until the task is done
// but for what it returns: a spool that must be fed to Redis. An error says why it could not be
// done. LEASE_LOST: it is no longer ours, nothing more is to be said.
absl::StatusOr<Feeding> RunReadTask(TaskContext& context);
absl::StatusOr<Feeding> RunRemovalTask(TaskContext& context);
absl::Status RunPlanTask(TaskContext& context);

}  // namespace penstock::extractor

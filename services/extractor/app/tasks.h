#pragma once

#include "absl/status/status.h"
#include "services/extractor/app/task_context.h"

namespace penstock::extractor {

// The three things that a task can be. Each runs on the task's own thread until the task is done,
// and returns why it could not be done. LEASE_LOST: it is no longer ours, nothing more is to be
// said.
absl::Status RunReadTask(TaskContext& context);
absl::Status RunRemovalTask(TaskContext& context);
absl::Status RunPlanTask(TaskContext& context);

}  // namespace penstock::extractor

#include "tests/scenarios/world.h"

#include <algorithm>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "services/common/testing/wait_for.h"

namespace penstock::scenario {

std::string World::RunId(const YAML::Node& name) const {
  const std::string wanted = name.IsDefined() ? name.as<std::string>() : last_run;
  auto found = runs.find(wanted);
  if (found == runs.end()) throw Failure(fmt::format("no run is called \"{}\"", wanted));
  return found->second;
}

void Await(const std::function<bool()>& condition, const std::function<std::string()>& tell,
           std::chrono::milliseconds within) {
  if (!testing::WaitFor(condition, within))
    throw Failure(fmt::format("not within {} s: {}", within.count() / 1000.0, tell()));
}

std::string StateName(v1::RunState state) {
  return v1::RunState_Name(state).substr(std::string_view("RUN_STATE_").size());
}

bool IsTerminal(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_SUCCEEDED:
    case v1::RUN_STATE_PARTIAL:
    case v1::RUN_STATE_FAILED:
    case v1::RUN_STATE_CANCELLED:
    case v1::RUN_STATE_SKIPPED:
      return true;
    default:
      return false;
  }
}

std::string Tell(const v1::Run& run) {
  std::string out = fmt::format(
      "the run is {} ({}), read {} ({}): {} rows = {} unchanged, {} deferred, {} invalid, {} "
      "skipped, {} copies, {} changed",
      StateName(run.state()), v1::RunPhase_Name(run.phase()), run.rows().read(),
      run.rows().whole() ? "whole" : "not whole", run.rows().rows_read(), run.rows().unchanged(),
      run.rows().deferred(), run.rows().invalid(), run.rows().skipped(), run.rows().copies(),
      run.rows().changed());
  for (const v1::OperationCounts& op : run.operations()) {
    out += fmt::format(
        "; {}: {} = {} delivered, {} unchanged, {} skipped, {} rejected, {} in doubt, {} "
        "withdrawn, {} pending",
        op.operation(), op.changed(), op.delivered(), op.unchanged_at_destination(),
        op.skipped_at_destination(), op.rejected(), op.in_doubt(), op.withdrawn(), op.pending());
  }
  if (run.has_error()) out += fmt::format("; {}: {}", run.error().code(), run.error().message());
  for (const v1::RunError& notice : run.notices())
    out += fmt::format("; notice {}: {}", notice.code(), notice.message());
  return out;
}

void OnlyFields(const YAML::Node& map, std::initializer_list<std::string_view> known) {
  if (!map.IsMap()) return;
  for (const auto& entry : map) {
    const std::string name = entry.first.as<std::string>();
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Failure(
          fmt::format("unknown field \"{}\"; there are {}", name, fmt::join(known, ", ")));
  }
}

}  // namespace penstock::scenario

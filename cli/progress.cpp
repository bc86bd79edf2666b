#include "cli/progress.h"

#include <algorithm>
#include <cmath>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/run_text.h"
#include "fmt/format.h"
#include "services/common/core/units.h"

namespace penstock::cli {
namespace {

constexpr std::chrono::seconds kWindow{5};
constexpr std::chrono::seconds kPlainInterval{5};
constexpr int kBarWidth = 24;

std::string Head(const v1::Run& run) {
  if (run.state() == v1::RUN_STATE_RUNNING && run.phase() != v1::RUN_PHASE_UNSPECIFIED)
    return std::string(PhaseName(run.phase()));
  std::string state(StateName(run.state()));
  std::transform(state.begin(), state.end(), state.begin(),
                 [](char c) { return static_cast<char>(c | 0x20); });
  if (run.state() == v1::RUN_STATE_PARKED && run.has_error())
    state += fmt::format(" ({}: {})", run.error().code(), run.error().message());
  return state;
}

std::string Bar(double part) {
  const int filled = static_cast<int>(std::clamp(part, 0.0, 1.0) * kBarWidth);
  return "[" + std::string(static_cast<size_t>(filled), '#') +
         std::string(static_cast<size_t>(kBarWidth - filled), '-') + "]";
}

}  // namespace

double ProgressLine::Rate(int64_t settled, SteadyTime now) {
  samples_.push_back({now, settled});
  while (samples_.size() > 2 && samples_.front().time < now - kWindow) samples_.pop_front();
  const std::chrono::duration<double> span = now - samples_.front().time;
  if (span.count() < 0.2) return 0;
  return std::max(0.0, static_cast<double>(settled - samples_.front().settled) / span.count());
}

std::string ProgressLine::Update(const v1::Run& run, SteadyTime now) {
  int64_t changed = 0;
  int64_t pending = 0;
  for (const v1::OperationCounts& counts : run.operations()) {
    changed += counts.changed();
    pending += counts.pending();
  }
  const int64_t settled = changed - pending;
  const double rate = Rate(settled, now);
  std::string line = Head(run);
  if (!run.rows().whole()) {
    const int64_t expected = std::max(run.expected_rows(), run.rows().rows_read());
    if (run.expected_rows() > 0 && expected > 0) {
      const double part =
          static_cast<double>(run.rows().rows_read()) / static_cast<double>(expected);
      line += fmt::format(" {} {:3.0f} %", Bar(part), part * 100);
    }
    line += fmt::format("  {} rows", Thousands(run.rows().rows_read()));
    if (settled > 0) line += fmt::format("  {} delivered", Thousands(settled));
    if (rate >= 1) line += fmt::format("  {}/s", Thousands(std::llround(rate)));
    return line;
  }
  if (changed == 0) return line + fmt::format("  {} rows", Thousands(run.rows().rows_read()));
  const double part = static_cast<double>(settled) / static_cast<double>(changed);
  line += fmt::format(" {} {:3.0f} %  {} of {}", Bar(part), part * 100, Thousands(settled),
                      Thousands(changed));
  if (rate >= 1 && pending > 0) {
    const std::chrono::seconds left(std::llround(std::ceil(static_cast<double>(pending) / rate)));
    line += fmt::format("  {}/s  {} left", Thousands(std::llround(rate)), FormatDuration(left));
  }
  return line;
}

void ProgressView::Show(const v1::Run& run) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const std::string line = line_.Update(run, now);
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", line);
    std::fflush(stderr);
    return;
  }
  std::string head = Head(run);
  if (IsTerminal(run.state()) || (head == last_head_ && now < next_)) return;
  fmt::print(stderr, "{}: {}\n", run.sync(), line);
  last_head_ = std::move(head);
  next_ = now + kPlainInterval;
}

void ProgressView::Clear() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace penstock::cli

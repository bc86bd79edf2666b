#include "cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <utility>

namespace penstock::cli {
namespace {

constexpr char kInterrupted = 'i';
constexpr char kOver = 'o';
std::atomic<int> g_write_end{-1};

// Only what a signal handler may: a byte wakes the thread that acts.
void Handle(int) {
  const char byte = kInterrupted;
  [[maybe_unused]] const ssize_t written = write(g_write_end.load(), &byte, 1);
}

}  // namespace

OnInterrupt::OnInterrupt(std::function<void()> action) {
  if (pipe(pipe_) != 0) return;  // Ctrl-C then ends the process, as without this object
  g_write_end = pipe_[1];
  waiter_ = std::jthread([fd = pipe_[0], action = std::move(action)] {
    char byte = kOver;
    if (read(fd, &byte, 1) == 1 && byte == kInterrupted) action();
  });
  struct sigaction handler{};
  handler.sa_handler = Handle;
  handler.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &handler, nullptr);
}

OnInterrupt::~OnInterrupt() {
  if (pipe_[0] < 0) return;
  std::signal(SIGINT, SIG_DFL);
  [[maybe_unused]] const ssize_t written = write(pipe_[1], &kOver, 1);
  waiter_.join();
  close(pipe_[0]);
  close(pipe_[1]);
}

}  // namespace penstock::cli

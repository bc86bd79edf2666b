#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace penstock::testing {

// A program that a test runs. It never outlives the test: it is killed at destruction, and by the
// kernel should the thread that started it end first (start children from the test's main thread).
// Not thread-safe.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> args{};      // args[0]: a path, or a name looked up in PATH
    std::vector<std::string> env{};       // "NAME=value", added to this process's environment
    std::filesystem::path out{};          // stdout and stderr are appended; empty: /dev/null
    std::filesystem::path err{};          // empty: where stdout goes
    std::filesystem::path working_dir{};  // empty: this process's
    std::optional<std::pair<uid_t, gid_t>> as{};  // the user to run as
    int death_signal = 9;                         // sent when the test ends
  };

  // Throws std::system_error when the program can't be started.
  explicit ChildProcess(Options options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int signal);
  // The exit code, or 128 + the signal that ended it; nothing when it still runs after `timeout`.
  std::optional<int> Wait(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  // SIGKILL, and waits.
  void Kill();
  const std::filesystem::path& out() const { return options_.out; }

 private:
  [[noreturn]] void Exec(int report_fd, pid_t parent);

  Options options_;
  pid_t pid_ = -1;
  std::optional<int> result_;
};

// Runs a program to its end and returns its exit code.
int RunProgram(ChildProcess::Options options);

// The user that servers which refuse root run as: postgres if there is one, else nobody. Nothing
// when this process isn't root.
std::optional<std::pair<uid_t, gid_t>> UnprivilegedUser();

}  // namespace penstock::testing

#include "services/common/testing/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "services/common/testing/wait_for.h"

namespace penstock::testing {
namespace {

int OpenForOutput(const std::filesystem::path& path) {
  return path.empty() ? open("/dev/null", O_WRONLY)
                      : open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
}

}  // namespace

ChildProcess::ChildProcess(Options options) : options_(std::move(options)) {
  // Closed by a successful exec; carries errno otherwise.
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) Exec(report[1], parent);
  close(report[1]);
  int error = pid_ < 0 ? errno : 0;
  if (pid_ > 0 && read(report[0], &error, sizeof error) == sizeof error) Wait();
  close(report[0]);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "can't start " + options_.args[0]);
}

ChildProcess::~ChildProcess() {
  if (!Running()) return;
  Signal(options_.death_signal);
  // A stopped process takes no signal but SIGKILL.
  Signal(SIGCONT);
  if (!Wait(std::chrono::seconds(10))) Kill();
}

void ChildProcess::Exec(int report_fd, pid_t parent) {
  auto fail = [report_fd] {
    int error = errno;
    [[maybe_unused]] ssize_t n = write(report_fd, &error, sizeof error);
    _exit(127);
  };
  int null = open("/dev/null", O_RDONLY);
  int out = OpenForOutput(options_.out);
  int err = options_.err.empty() ? out : OpenForOutput(options_.err);
  if (null < 0 || out < 0 || err < 0) fail();
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  // What the test has open is not the child's: a connection that a TcpGate closes must be closed.
  if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail();
  if (!options_.working_dir.empty() && chdir(options_.working_dir.c_str()) != 0) fail();
  if (options_.as) {
    auto [user, group] = *options_.as;
    if (setgroups(0, nullptr) != 0 || setgid(group) != 0 || setuid(user) != 0) fail();
  }
  // After setuid, which clears it.
  prctl(PR_SET_PDEATHSIG, options_.death_signal);
  if (getppid() != parent) _exit(127);
  for (std::string& variable : options_.env) putenv(variable.data());
  std::vector<char*> args;
  args.reserve(options_.args.size() + 1);
  for (std::string& arg : options_.args) args.push_back(arg.data());
  args.push_back(nullptr);
  execvp(args[0], args.data());
  fail();
  _exit(127);
}

bool ChildProcess::Running() {
  return !Wait(std::chrono::milliseconds(0)).has_value();
}

void ChildProcess::Signal(int signal) {
  if (!result_) kill(pid_, signal);
}

std::optional<int> ChildProcess::Wait(std::chrono::milliseconds timeout) {
  auto ended = [this] {
    if (result_) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    result_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  };
  [[maybe_unused]] bool in_time = WaitFor(ended, timeout);
  return result_;
}

void ChildProcess::Kill() {
  Signal(SIGKILL);
  Wait();
}

int RunProgram(ChildProcess::Options options) {
  ChildProcess child(std::move(options));
  return child.Wait(std::chrono::minutes(2)).value_or(-1);
}

std::optional<std::pair<uid_t, gid_t>> UnprivilegedUser() {
  if (geteuid() != 0) return std::nullopt;
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* user = getpwnam(name)) return std::pair(user->pw_uid, user->pw_gid);
  }
  return std::nullopt;
}

}  // namespace penstock::testing

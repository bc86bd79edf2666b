#include "services/common/testing/postgres_template.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <system_error>

#include "services/common/testing/child_process.h"
#include "services/common/testing/postgres_server.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::testing {
namespace {

namespace fs = std::filesystem;

// Held while the object lives, by one process at a time.
class FileLock {
 public:
  explicit FileLock(const fs::path& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0)
      throw std::system_error(errno, std::generic_category(), "lock " + path.string());
  }
  ~FileLock() { close(fd_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

// A folder of ours under the temporary directory, owned by the user that runs the servers.
fs::path CacheDir() {
  auto user = UnprivilegedUser();
  uid_t owner = user ? user->first : geteuid();
  fs::path dir = fs::temp_directory_path() / ("penstock-pg-cache-" + std::to_string(owner));
  if (mkdir(dir.c_str(), 0700) == 0 && user && chown(dir.c_str(), user->first, user->second) != 0)
    throw std::system_error(errno, std::generic_category(), "chown " + dir.string());
  struct stat info;
  if (stat(dir.c_str(), &info) != 0 || info.st_uid != owner)
    throw std::runtime_error(dir.string() + " belongs to someone else; remove it");
  return dir;
}

void RunAsServerUser(std::vector<std::string> args, const fs::path& log) {
  ChildProcess::Options options;
  options.args = std::move(args);
  options.out = log;
  options.working_dir = "/";
  options.as = UnprivilegedUser();
  std::string program = options.args[0];
  if (RunProgram(std::move(options)) != 0)
    throw std::runtime_error(program + " failed: " + ReadFile(log));
}

}  // namespace

void CopyPostgresTemplate(const fs::path& target) {
  fs::path cache = CacheDir();
  fs::path binaries = PostgresBinaries();
  // .../postgresql/15/bin
  fs::path ready = cache / binaries.parent_path().filename();
  {
    FileLock lock(cache / "lock");
    if (!fs::exists(ready)) {
      fs::path unfinished = ready.string() + ".new";
      fs::remove_all(unfinished);
      TempDir logs("initdb");
      RunAsServerUser({binaries / "initdb", "-D", unfinished, "-U", "postgres", "-E", "UTF8",
                       "--locale=C", "--auth=trust", "--no-sync", "--wal-segsize=4"},
                      logs / "initdb.log");
      fs::rename(unfinished, ready);
    }
  }
  TempDir logs("copy");
  RunAsServerUser({"cp", "-R", "--reflink=auto", ready, target}, logs / "cp.log");
}

}  // namespace penstock::testing

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <ctime>

// Preloaded into a process, it shifts the wall clock that the process sees by as many seconds as
// stand in the file that PENSTOCK_WALL_CLOCK names (an int64_t, mapped: whoever writes it sets the
// clock of the running process). CLOCK_MONOTONIC and CLOCK_BOOTTIME stay as they are. Waits on a
// futex until a time of the wall clock (abseil's, and so gRPC's) are shifted back for the kernel;
// one that is under way when the clock is set keeps its length.
namespace {

const volatile int64_t* Map() {
  const char* path = std::getenv("PENSTOCK_WALL_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* shared = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return shared == MAP_FAILED ? nullptr : static_cast<const volatile int64_t*>(shared);
}

int64_t Shift() {
  static const volatile int64_t* const shift = Map();
  return shift == nullptr ? 0 : *shift;
}

using Syscall = long (*)(long, ...);

Syscall RealSyscall() {
  static const auto real = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  return real;
}

bool IsWallClock(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  using Function = int (*)(clockid_t, timespec*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, now);
  if (result == 0 && IsWallClock(clock)) now->tv_sec += Shift();
  return result;
}

int gettimeofday(timeval* now, void* zone) noexcept {
  using Function = int (*)(timeval*, void*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "gettimeofday"));
  const int result = real(now, zone);
  if (result == 0) now->tv_sec += Shift();
  return result;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long args[6];
  for (long& arg : args) arg = va_arg(list, long);
  va_end(list);
  timespec until{};
  if (number == SYS_futex && (args[1] & FUTEX_CLOCK_REALTIME) != 0 && args[3] != 0) {
    until = *reinterpret_cast<const timespec*>(args[3]);
    until.tv_sec -= Shift();
    args[3] = reinterpret_cast<long>(&until);
  }
  return RealSyscall()(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

}  // extern "C"

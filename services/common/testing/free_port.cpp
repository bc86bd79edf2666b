#include "services/common/testing/free_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "services/common/core/random.h"

namespace penstock::testing {
namespace {

constexpr uint16_t kFirst = 20000;
constexpr uint16_t kCount = 12000;

// Held to the end of the process: the lock is what reserves the port.
bool Reserve(uint16_t port) {
  auto dir = std::filesystem::temp_directory_path() / "penstock-ports";
  mkdir(dir.c_str(), 01777);
  chmod(dir.c_str(), 01777);
  int fd = open((dir / std::to_string(port)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return false;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  close(fd);
  return false;
}

bool Bindable(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return free;
}

}  // namespace

uint16_t FreePort() {
  for (int attempt = 0; attempt < kCount; ++attempt) {
    auto port = static_cast<uint16_t>(kFirst + Random::System().Next() % kCount);
    if (Reserve(port) && Bindable(port)) return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace penstock::testing

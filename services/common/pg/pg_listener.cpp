#include "services/common/pg/pg_listener.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/pg/pg_connection.h"

namespace penstock {
namespace {

constexpr int kReconnectMs = 500;

}  // namespace

PgListener::PgListener(std::string conninfo, std::string channel, Callback callback,
                       std::string password_file)
    : conninfo_(std::move(conninfo)),
      channel_(std::move(channel)),
      callback_(std::move(callback)),
      password_file_(std::move(password_file)) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) == 0) {
    wake_read_ = fds[0];
    wake_write_ = fds[1];
  }
  thread_ = std::thread([this] { Loop(); });
}

PgListener::~PgListener() {
  closing_ = true;
  close(wake_write_);
  thread_.join();
  close(wake_read_);
}

void PgListener::Loop() {
  while (!closing_) {
    auto connection = PgConnection::Connect(conninfo_, password_file_);
    const bool listening =
        connection.ok() && (*connection)->ExecScript(absl::StrCat("LISTEN ", channel_)).ok();
    if (!listening) {
      pollfd wake{wake_read_, POLLIN, 0};
      poll(&wake, 1, kReconnectMs);
      continue;
    }
    callback_("");
    pg_conn* raw = (*connection)->raw();
    while (!closing_ && !(*connection)->broken()) {
      pollfd fds[] = {{PQsocket(raw), POLLIN, 0}, {wake_read_, POLLIN, 0}};
      poll(fds, 2, -1);
      if (PQconsumeInput(raw) == 0) break;
      while (PGnotify* notification = PQnotifies(raw)) {
        callback_(notification->extra);
        PQfreemem(notification);
      }
    }
  }
}

}  // namespace penstock

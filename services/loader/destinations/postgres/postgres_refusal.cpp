#include "services/loader/destinations/postgres/postgres_refusal.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>

namespace penstock::loader {
namespace {

constexpr size_t kStateLength = 5;

// The state in "…: FATAL:  28P01: password authentication failed …": five digits and capitals
// between the severity and the text. The severity may be in the server's language.
std::string StateIn(std::string_view message) {
  static constexpr std::string_view kBefore = ":  ";
  for (size_t at = message.find(kBefore); at != std::string_view::npos;
       at = message.find(kBefore, at + 1)) {
    const std::string_view state = message.substr(at + kBefore.size(), kStateLength);
    const bool plain = std::all_of(state.begin(), state.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    });
    const std::string_view after =
        message.substr(std::min(message.size(), at + kBefore.size() + kStateLength));
    if (state.size() == kStateLength && plain && after.starts_with(": ")) return std::string(state);
  }
  return {};
}

}  // namespace

std::string RefusalState(const std::string& connection_string, BootTime deadline) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
      PQconnectStart(connection_string.c_str()), &PQfinish);
  if (connection == nullptr || PQstatus(connection.get()) == CONNECTION_BAD) return {};
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - BootClock::now()).count();
    pollfd waiting{PQsocket(connection.get()),
                   static_cast<short>(next == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return {};
    next = PQconnectPoll(connection.get());
  }
  return next == PGRES_POLLING_FAILED ? StateIn(PQerrorMessage(connection.get())) : std::string();
}

}  // namespace penstock::loader

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace penstock::testing {

// A TCP proxy to put between any two parts and to break. Listens on its own loopback port and
// forwards to 127.0.0.1:target; runs on a thread of its own. Thread-safe.
class TcpGate {
 public:
  explicit TcpGate(uint16_t target);
  ~TcpGate();

  uint16_t port() const;
  // How many connections pass through it now, and how many ever did.
  int connections() const;
  int accepted() const;

  // Drops every connection (RST); new ones are taken.
  void Cut();
  // Drops every connection and those that come, until Open().
  void Close();
  // Stops forwarding without dropping: bytes wait, both ends see silence.
  void Stall();
  // Holds each piece back for this long, in both directions.
  void Delay(std::chrono::milliseconds by);
  // Forwards again; what was stalled is passed on.
  void Open();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::testing

#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "penstock/internal/v1/delivery.pb.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

// Answers the requests of all Deliver streams. What arrives while a transaction is under way is
// answered together by the next one, so the log of the database is flushed a few times however many
// batches there are. Requests of a run that a transition holds wait in groups of their own, so that
// they hold up no other run's. Thread-safe.
class DeliveryEngine {
 public:
  using Reply = std::function<void(penstock::internal::v1::DeliverResponse)>;

  // `pool` must outlive it.
  explicit DeliveryEngine(PgPool& pool) : pool_(pool) {}

  // Calls `reply` exactly once, on a thread of the pool.
  void Submit(penstock::internal::v1::DeliverRequest request, Reply reply);

 private:
  struct Waiting {
    penstock::internal::v1::DeliverRequest request;
    Reply reply;
  };

  // Starts transactions for what waits, unless enough are under way. REQUIRES: mutex_ is not held.
  void StartGroups();
  // Waits for runs that are being moved, or puts their requests aside.
  void Answer(std::deque<Waiting> group, bool waits);
  // The requests of one run that is being moved. REQUIRES: mutex_ is held.
  std::deque<Waiting> TakeMoving();

  PgPool& pool_;
  std::mutex mutex_;
  std::deque<Waiting> waiting_;
  int under_way_ = 0;
  std::deque<Waiting> moving_;  // their runs were held
  int moving_under_way_ = 0;
};

}  // namespace penstock::state

#include "services/common/pg/pg_pool.h"

#include <future>
#include <utility>

#include "services/common/core/status.h"
#include "services/common/pg/pg_errors.h"

namespace penstock {
namespace {

// Lost races are rare and short; more in a row than this is a fault worth showing.
constexpr int kMaxTries = 10;

}  // namespace

PgPool::PgPool(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.connections; ++i) threads_.emplace_back([this] { Loop(); });
}

PgPool::~PgPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PgPool::Run(Body body, Done done, BootTime deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ && queue_.size() < options_.max_waiting) {
      queue_.push_back({std::move(body), std::move(done), deadline});
      wake_.notify_one();
      return;
    }
  }
  done(Error(ErrorCode::kDATABASE_UNAVAILABLE,
             "too many requests wait for the database; try again later"));
}

absl::Status PgPool::RunAndWait(Body body, BootTime deadline) {
  std::promise<absl::Status> promise;
  Run(
      std::move(body), [&](absl::Status status) { promise.set_value(std::move(status)); },
      deadline);
  return promise.get_future().get();
}

size_t PgPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void PgPool::Loop() {
  std::unique_ptr<PgConnection> connection;
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    const BootTime begun = BootClock::now();
    if (begun > work.deadline) {
      work.done(Error(ErrorCode::kDATABASE_UNAVAILABLE,
                      "no connection to the database became free in time"));
      continue;
    }
    ++busy_;
    absl::Status status = RunOn(connection, work);
    --busy_;
    options_.observe(BootClock::now() - begun);
    work.done(std::move(status));
  }
}

absl::Status PgPool::RunOn(std::unique_ptr<PgConnection>& connection, const Work& work) const {
  absl::Status status;
  bool reconnected = false;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (connection == nullptr) {
      PENSTOCK_ASSIGN_OR_RETURN(connection,
                                PgConnection::Connect(options_.conninfo, options_.password_file));
      reconnected = true;
    }
    auto transaction = PgTransaction::Begin(*connection);
    status = transaction.status();
    if (status.ok()) {
      status = work.body(*transaction);
      if (status.ok()) {
        status = transaction->Commit();
      }
    }
    const bool began = transaction.ok();
    if (connection->broken()) {
      {
        const auto over = std::move(transaction);
      }
      connection.reset();
      // A connection that had died while it was idle is noticed only at BEGIN: nothing was lost by
      // trying another.
      if (!began && !reconnected) continue;
      return status;
    }
    if (!IsRaceLost(status)) return status;
  }
  return status;
}

}  // namespace penstock

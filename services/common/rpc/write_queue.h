#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace penstock {

// Messages that wait to be written to a stream, of which gRPC takes one at a time. Bounded.
// Thread-safe; the actions are called without the lock, one at a time.
//
// Each of `start`, `closed` begins an operation of gRPC whose end the owner tells by WriteDone().
template <typename Message>
class WriteQueue {
 public:
  struct Actions {
    std::function<void(const Message*)> start;  // write it; it stays valid until WriteDone()
    std::function<void()> closed;               // after Close(): all is written
    std::function<void()> dropped;              // after Drop(): nothing is being written any more
    std::function<void()> writable = {};        // after a Push() failed: there is room again
  };

  // `limit` messages wait beside the one that is being written.
  WriteQueue(size_t limit, Actions actions) : limit_(limit), actions_(std::move(actions)) {}

  // False when the queue is full or over; `writable` is called when a full one has room again.
  bool Push(Message message) {
    std::unique_lock lock(mutex_);
    if (over_) return false;
    if (waiting_.size() >= limit_) {
      refused_ = true;
      return false;
    }
    waiting_.push_back(std::move(message));
    Advance(lock);
    return true;
  }

  // Takes the place of what waits and is about the same, so that a slow reader gets the newest:
  // same(waiting, message). As many wait as there are things that they are about. False when the
  // queue is over.
  template <typename Same>
  bool PushLatest(Message message, Same&& same) {
    std::unique_lock lock(mutex_);
    if (over_) return false;
    const auto older = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const Message& one) { return same(one, message); });
    if (older == waiting_.end()) {
      waiting_.push_back(std::move(message));
    } else {
      *older = std::move(message);
    }
    Advance(lock);
    return true;
  }

  // No more messages; `closed` is called when what waits is written. The first call counts: only in
  // it, and before `closed`, `prepare` is called.
  template <typename F>
  void Close(F&& prepare) {
    std::unique_lock lock(mutex_);
    if (over_) return;
    prepare();
    over_ = true;
    closing_ = true;
    Advance(lock);
  }

  // The stream is broken: forgets what waits; `dropped` is called once, also after Close()
  // unless `closed` never ends.
  void Drop() {
    std::unique_lock lock(mutex_);
    if (dropping_) return;
    over_ = true;
    dropping_ = true;
    closing_ = false;
    waiting_.clear();
    Advance(lock);
  }

  void WriteDone(bool ok) {
    std::unique_lock lock(mutex_);
    busy_ = false;
    // The stream is broken; Drop() follows when gRPC says so.
    if (!ok) waiting_.clear();
    Advance(lock);
  }

 private:
  // Does the next thing, if gRPC is free for it. Leaves the lock open.
  void Advance(std::unique_lock<std::mutex>& lock) {
    if (busy_) return;
    if (dropping_) {
      if (std::exchange(dropped_, true)) return;
      lock.unlock();
      actions_.dropped();
    } else if (!waiting_.empty()) {
      current_ = std::move(waiting_.front());
      waiting_.pop_front();
      busy_ = true;
      bool tell = std::exchange(refused_, false);
      lock.unlock();
      // Before the write: its end may be the stream's.
      if (tell && actions_.writable) actions_.writable();
      actions_.start(&current_);
    } else if (std::exchange(closing_, false)) {
      busy_ = true;
      lock.unlock();
      actions_.closed();
    }
  }

  const size_t limit_;
  const Actions actions_;
  std::mutex mutex_;
  std::deque<Message> waiting_;
  Message current_;
  bool busy_ = false;
  bool refused_ = false;
  bool over_ = false;
  bool closing_ = false;
  bool dropping_ = false;
  bool dropped_ = false;
};

}  // namespace penstock

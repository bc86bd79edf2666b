#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::loader {

// Shares one destination among its syncs by the cost of what is taken from each (bytes, records),
// so that a huge sync starves no small one. The cost may be told after the fact, for the size of a
// batch is known only when it was fetched: a queue that took more than its share waits that much
// longer. Thread-confined.
class DeficitRoundRobin {
 public:
  // `quantum`: what each queue may take per round; the cost of a usual batch.
  explicit DeficitRoundRobin(int64_t quantum) : quantum_(quantum) {}

  // A queue that has something waiting; no effect when it is known. It begins with no credit.
  void Add(std::string_view queue);
  // The queue has nothing more waiting. Credit and debt are forgotten.
  void Remove(std::string_view queue);
  // From which queue to take next; nullopt when there is none.
  std::optional<std::string> Next();
  // Something of this cost was taken from the queue.
  void Charge(std::string_view queue, int64_t cost);
  size_t size() const { return queues_.size(); }

 private:
  struct Queue {
    std::string name;
    int64_t credit = 0;
  };
  std::list<Queue>::iterator Find(std::string_view name);
  int64_t quantum_;
  std::list<Queue> queues_;  // the one whose turn it is at the front
};

}  // namespace penstock::loader

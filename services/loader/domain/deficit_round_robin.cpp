#include "services/loader/domain/deficit_round_robin.h"

#include <algorithm>

namespace penstock::loader {

std::list<DeficitRoundRobin::Queue>::iterator DeficitRoundRobin::Find(std::string_view name) {
  return std::find_if(queues_.begin(), queues_.end(),
                      [name](const Queue& queue) { return queue.name == name; });
}

void DeficitRoundRobin::Add(std::string_view queue) {
  if (Find(queue) == queues_.end()) queues_.push_back({std::string(queue), 0});
}

void DeficitRoundRobin::Remove(std::string_view queue) {
  const auto found = Find(queue);
  if (found != queues_.end()) queues_.erase(found);
}

std::optional<std::string> DeficitRoundRobin::Next() {
  if (queues_.empty()) return std::nullopt;
  if (queues_.front().credit > 0) return queues_.front().name;
  // As many rounds as the smallest debt needs at once, so that a huge batch costs no long loop.
  int64_t least_debt = queues_.front().credit;
  for (const Queue& queue : queues_) least_debt = std::max(least_debt, queue.credit);
  const int64_t skipped = least_debt < 0 ? -least_debt / quantum_ : 0;
  for (Queue& queue : queues_) queue.credit += skipped * quantum_;
  while (true) {
    Queue& front = queues_.front();
    front.credit = std::min(front.credit + quantum_, quantum_);
    if (front.credit > 0) return front.name;
    queues_.splice(queues_.end(), queues_, queues_.begin());
  }
}

void DeficitRoundRobin::Charge(std::string_view queue, int64_t cost) {
  const auto found = Find(queue);
  if (found == queues_.end()) return;
  found->credit -= cost;
  if (found->credit <= 0) queues_.splice(queues_.end(), queues_, found);
}

}  // namespace penstock::loader

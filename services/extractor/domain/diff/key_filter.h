#pragma once

#include <cstdint>
#include <vector>

#include "services/common/core/hash.h"

namespace penstock {

// Which of a read's emitted records may be sent, known when the read has ended: none of a duplicate
// identity, one of equal copies. Holds 24 bytes for each key that came more than once.
class KeyFilter {
 public:
  enum class Verdict : uint8_t { kSend, kDuplicate, kCopy };

  // Keys are added in ascending order, each once, before the first Judge.
  void AddDuplicate(const Hash128& key) { keys_.push_back({key, State::kDuplicate}); }
  void AddCopies(const Hash128& key) { keys_.push_back({key, State::kCopies}); }

  // To be asked once for each record, in the order in which they were emitted.
  Verdict Judge(const Hash128& key);
  bool empty() const { return keys_.empty(); }

 private:
  enum class State : uint8_t { kDuplicate, kCopies, kCopySent };
  struct Item {
    Hash128 key;
    State state;
  };
  std::vector<Item> keys_;
};

}  // namespace penstock

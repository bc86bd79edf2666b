#include "services/extractor/domain/diff/key_filter.h"

#include <algorithm>

namespace penstock {

KeyFilter::Verdict KeyFilter::Judge(const Hash128& key) {
  auto found = std::lower_bound(keys_.begin(), keys_.end(), key,
                                [](const Item& item, const Hash128& k) { return item.key < k; });
  if (found == keys_.end() || found->key != key) return Verdict::kSend;
  switch (found->state) {
    case State::kDuplicate:
      return Verdict::kDuplicate;
    case State::kCopySent:
      return Verdict::kCopy;
    case State::kCopies:
      found->state = State::kCopySent;
      break;
  }
  return Verdict::kSend;
}

}  // namespace penstock

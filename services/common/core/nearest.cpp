#include "services/common/core/nearest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace penstock {
namespace {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
size_t Mistakes(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// Longer names than any real one aren't worth the quadratic time.
constexpr size_t kMaxLength = 128;

}  // namespace

std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates) {
  if (name.size() > kMaxLength) return {};
  std::string_view nearest;
  // Of equally near ones the one of the same length: letters are swapped more often than forgotten.
  std::pair<size_t, size_t> best{std::max<size_t>(1, name.size() / 3) + 1, 0};
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kMaxLength) continue;
    size_t longer = std::max(name.size(), candidate.size());
    size_t shorter = std::min(name.size(), candidate.size());
    std::pair<size_t, size_t> distance{Mistakes(name, candidate), longer - shorter};
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view nearest = NearestName(name, candidates);
  return nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest);
}

}  // namespace penstock

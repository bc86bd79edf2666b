#pragma once

#include <span>
#include <string>
#include <string_view>

namespace penstock {

// The candidate that `name` was most likely meant to be (fewest typing mistakes, at most a third of
// its letters); empty when none is near.
std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates);

// ` (did you mean "x"?)` for messages; empty when nothing is near.
std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace penstock

#pragma once

#include "tests/scenarios/world.h"

namespace penstock::scenario {

// Expectations of how much the cluster took to do its work:
//   redis_at_most: 3MB                  the most memory that Redis ever used
//   spool_at_most: 2MB                  what the extractors' spools take on disk now
//   peak_memory: {service: 200MB}       the most memory that its process ever held
//   took: {run, than, times}            the run took at most so many times as long as another one
//                                       (and half a second, for what a run costs however small)
void CheckBounds(World& world, const YAML::Node& expect);

}  // namespace penstock::scenario

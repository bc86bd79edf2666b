#pragma once

#include <yaml-cpp/yaml.h>

#include <vector>

#include "tests/scenarios/keyed_store.h"

namespace penstock::scenario {

// Reads the destination's rules, a list of
//   {operation: upsert, key: a@x, skip: 1, times: 2, answer: …}
// where an answer is a word
//   drop            nothing is stored, the connection is closed
//   apply_drop      stored, then closed without an answer
//   apply_hang      stored, then silent for longer than an attempt may take
//   apply_504       stored, then status 504
//   html, truncated, wrong_length, endless, empty, huge, trickle     stored, then such a body
//   endless_headers stored, then a header without end
//   redirect        to another host
//   latin1, nul     nothing is stored, status 400 with a message that is not UTF-8, or holds NUL
// or {status, retry_after, delay, refuse}: a status other than 2xx stores nothing; delay is in
// milliseconds; refuse is the code with which the record of `key` alone is refused.
std::vector<StoreRule> ReadRules(const YAML::Node& rules);

}  // namespace penstock::scenario

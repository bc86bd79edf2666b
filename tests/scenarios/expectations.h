#pragma once

#include "tests/scenarios/world.h"

namespace penstock::scenario {

// The step `expect`: holds what the scenario says against what is there now.
//   content: {key: {field: text}}       the store's whole content, field by field
//   equals_model: SELECT … AS key, …    the same, as a query of the warehouse gives it
//   size: n                             how many records the store has
//   sends: {key: n}                     how often a record arrived there, applied or not
//   sends_at_most: n                    … and how often at most any of them
//   repeated_at_most: n                 how many of them may have arrived more than once
//   removals: n                         how many removals arrived there
//   applied: n                          how many records were applied there, of any operation
//   tokens_at_least, compressed_at_least: n
//                                       access tokens given, and bodies that came as gzip
//   at_once: n                          how many requests the destination had at once at most
//   run: {…}                            see CheckRun
//   runs: n                             how many runs there are
//   warehouse: {sql: …, is: text}       a query's first value
//   redis_at_most, spool_at_most, peak_memory, took   see bounds.h
void CheckExpectations(World& world, const YAML::Node& expect);

// A run against {name, state, error, notice, rows: {…}, operations: {upsert: {…}}, rejected:
// [code]}. An error or notice is a code or {code, owner, says}, where the message must hold each of
// the texts in says; a rejected record's is a code or {code: text}.
void CheckRun(World& world, const v1::Run& run, const YAML::Node& expect);

// Every record accounted for: the sums that hold for each run at every moment.
void CheckAccounts(const v1::Run& run);

// What must hold at the end of each scenario: no process ended by itself, the accounts of every run
// are in order, and nothing is pending in a run that is over.
void CheckAtEnd(World& world);

}  // namespace penstock::scenario

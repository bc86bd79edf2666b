#pragma once

#include <string>

#include "tests/scenarios/world.h"

namespace penstock::scenario {

// Does one step, a map of one entry:
//   sql: … | {database, do: …}           in the warehouse, or another database
//   apply: {sync: …, model: …, refused: text or texts, meanwhile: [steps]}
//                                        lays these over the scenario's, and applies all; also
//                                        paused: true, prune: {label: value}, and reset: RESEND …
//   trigger: name | {name, sync, allow_removals, full_resync, retry_rejected, limit, key: {column:
//            text}, to, plan, meanwhile: [steps]}
//                                        meanwhile: what is done before the call is answered
//   wait: {run, state | phase, within}   until the run is in that state or phase, or has ended
//   wait: {sync, within}                 until all runs of the Sync have ended
//   run: {…}                             trigger, wait for the end, check as expect.run does
//   cancel | resume: run
//   destination: [rules]                 what the destination does from now on, see answers.h
//   token: {secret: text, store: text}   what the loader shows, and what the store wants
//   arrived: n | {key, n, operation}     wait until so many records arrived at the destination
//   size: n                              wait until the destination has so many records
//   holds: {key: {field: text}}          wait until it holds these so
//   kill | stop | continue | drain: service
//   start: service | {service, at}       at: a test point, as in PENSTOCK_TESTPOINT
//   launch: service                      starts it, and does not wait until it is ready
//   ended: service                       wait until it has ended, at its test point
//   stopped: service                     the same for one that stops itself
//   clock: {service: seconds}            its wall clock is so far ahead from now on (own_clocks)
//   redis: flush | restart | {dump: name} | {restore: name} | {await | gone: pattern of a key}
//          | {backlog: {destination, bytes}}   wait until so much waits for it
//          | {config: {name: value}}
//   postgres: restart | crash | read_only | writable
//             | {dump: name} | {restore: name}   state's database, by pg_dump and pg_restore
//   gate: {redis | state | store | warehouse: cut | close | stall | open}
//   ready: {service: text}               wait until it is not ready and says so; "": until it is
//   until: {sql: …, is: text, database}  wait until a query says so
//   penstock: {run, exits, says, …}      the command line, see command_line.h
//   expect: {…}                          see expectations.h
void DoStep(World& world, const YAML::Node& step);

// Throws when a step is none of the above, before any is done.
void CheckSteps(const YAML::Node& steps);

}  // namespace penstock::scenario

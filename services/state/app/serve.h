#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "services/common/core/clock.h"
#include "services/common/pg/pg_pool.h"
#include "services/common/rpc/server_unary.h"

namespace penstock::state {

// How long work may wait for a connection to the database.
inline constexpr auto kPatience = std::chrono::seconds(10);

// Serves a unary call by a function that runs in a transaction:
//   (PgTransaction&, const Request&, Response&) -> absl::Status
// It may run again when the transaction lost a race; the response is empty then. `committed` sees
// the response of a transaction that is stored.
template <typename Request, typename Response, typename Body>
grpc::ServerUnaryReactor* ServeFromDatabase(
    PgPool& pool, grpc::CallbackServerContext* call, const Request* request, Response* response,
    Body body,
    std::type_identity_t<std::function<void(const Response&)>> committed = [](const Response&) {}) {
  return ServeUnary(call, request, response,
                    [&](const Request& in, const RpcContext&, UnaryDone<Response> done) {
                      auto out = std::make_shared<Response>();
                      auto end = std::make_shared<UnaryDone<Response>>(std::move(done));
                      pool.Run(
                          [out, body = std::move(body), &in](PgTransaction& tx) {
                            out->Clear();
                            return body(tx, in, *out);
                          },
                          [out, end, committed = std::move(committed)](const absl::Status& status) {
                            if (status.ok()) {
                              committed(*out);
                              (*end)(std::move(*out));
                            } else {
                              (*end)(status);
                            }
                          },
                          BootClock::now() + kPatience);
                    });
}

}  // namespace penstock::state

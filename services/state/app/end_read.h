#pragma once

#include <grpcpp/support/server_callback.h>

#include "penstock/internal/v1/extraction.pb.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

// The server's side of EndRead: stores each message in a transaction of its own before it reads the
// next, and after the last one ends the read. A stream that breaks leaves pieces that the next
// attempt overwrites.
grpc::ServerReadReactor<penstock::internal::v1::EndReadRequest>* ServeEndRead(
    PgPool& pool, const grpc::CallbackServerContext& call,
    penstock::internal::v1::EndReadResponse* response);

}  // namespace penstock::state

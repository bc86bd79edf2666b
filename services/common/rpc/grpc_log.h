#pragma once

#include <cstdint>

namespace penstock {

// Sends what gRPC says about itself to the service's log, where it would else stand on stderr
// between the lines of JSON: its errors as warnings (a peer went away is not this service's
// failure), the rest at debug level.
void RouteGrpcLog();

// TLS handshakes that this process' servers refused since WatchHandshakes() was called first: plain
// text, no certificate, one of an unknown authority, a client that went away because it doesn't
// trust the server. gRPC 1.51 tells of them only in its log. A connection that is closed without a
// word (a port probe) is none. The log has the reason (event tls_handshake_refused), at most once
// in ten seconds.
void WatchHandshakes();
uint64_t HandshakesRefused();

}  // namespace penstock

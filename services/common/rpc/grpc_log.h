#pragma once

namespace penstock {

// Sends what gRPC says about itself to the service's log, where it would else stand on stderr
// between the lines of JSON: its errors as warnings (a peer went away is not this service's
// failure), the rest at debug level.
void RouteGrpcLog();

}  // namespace penstock

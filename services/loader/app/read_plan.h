#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/common/model/batch.h"
#include "services/common/model/resources.h"
#include "services/loader/app/connection.h"
#include "services/loader/destinations/destination_writer.h"

namespace penstock::loader {

// All that sending the batches of one read takes: what was declared when it began, the newest
// connection, and the serializers compiled so far. Thread-confined.
class ReadPlan {
 public:
  ReadPlan(Sync sync, const Connector& connector, Destination destination, uint64_t epoch,
           std::shared_ptr<Connection> connection);

  const Sync& sync() const { return sync_; }
  const Connector& connector() const { return connector_; }  // with the Destination's objects
  const Destination& destination() const { return destination_; }
  uint64_t epoch() const { return epoch_; }
  const std::shared_ptr<Connection>& connection() const { return connection_; }

  // The manifest's operation; nullptr for one it lacks and for native connectors.
  const OperationSpec* Spec(Operation operation) const;
  // Compiled once per operation and field table; lives as long as the plan. INVALID_RESOURCE,
  // INVALID_CONFIGURATION.
  absl::StatusOr<DestinationWriter*> Writer(const BatchHeader& header);

 private:
  const Sync sync_;
  const Connector connector_;
  const Destination destination_;
  const uint64_t epoch_;
  std::shared_ptr<Connection> connection_;
  std::map<std::string, std::unique_ptr<DestinationWriter>> writers_;
};

// A writer that is not kept; valid as long as the connection. `connector`: with the Destination's
// objects.
absl::StatusOr<std::unique_ptr<DestinationWriter>> MakeWriter(const Sync& sync,
                                                              const Connector& connector,
                                                              const Connection& connection,
                                                              const BatchHeader& header);

}  // namespace penstock::loader

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "penstock/internal/v1/workers.pb.h"
#include "services/loader/app/loader_settings.h"

// What planners ask of a loader about destinations, without a run. Awaited on the loader's
// executor.
namespace penstock::loader {

// Compiles everything that the Syncs need, without the network. Problems of all of them.
penstock::internal::v1::CheckDeliveryResponse CheckDelivery(
    const boost::asio::any_io_executor& executor, const LoaderSettings& loader,
    const penstock::internal::v1::CheckDeliveryRequest& request);

// Tries credentials, and where that can be done what the Syncs write to.
boost::asio::awaitable<penstock::v1::TestConnectionResponse> TestDestination(
    boost::asio::any_io_executor executor, const LoaderSettings& loader,
    const penstock::internal::v1::TestDestinationRequest& request);

// The requests that batches would make, for people.
absl::StatusOr<penstock::internal::v1::RenderResponse> RenderBatches(
    const boost::asio::any_io_executor& executor, const LoaderSettings& loader,
    const penstock::internal::v1::RenderRequest& request);

}  // namespace penstock::loader

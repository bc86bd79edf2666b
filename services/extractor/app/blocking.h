#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

namespace penstock::extractor {

// Waits, on a thread that may, for a coroutine that runs on `io`.
template <typename T>
T Await(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  return boost::asio::co_spawn(io, std::move(work), boost::asio::use_future).get();
}

}  // namespace penstock::extractor

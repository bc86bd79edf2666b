#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/core/clock.h"
#include "services/common/model/batch.h"
#include "services/loader/domain/answer.h"
#include "services/loader/domain/request_renderer.h"

namespace penstock::loader {

// One attempt to write some records of a batch. What it points to must stay valid until the
// writer has answered.
struct WriteRequest {
  const Batch* batch = nullptr;
  std::span<const uint32_t> records;  // indexes in the batch
  std::span<const std::string> keys;  // their idempotency keys; may be empty
  BootTime deadline;                  // the attempt ends by then
  std::function<bool()> may_write;    // the grant holds; asked before every write
};

// Writes records of one operation with one field table to one object of one destination. A kind of
// destination brings this and nothing else: limits, grants, retries and outcomes are the loader's.
// Used from one executor; several attempts may be under way at once.
class DestinationWriter {
 public:
  virtual ~DestinationWriter() = default;
  // Whatever goes wrong is in the answer.
  virtual boost::asio::awaitable<Answer> Write(WriteRequest request) = 0;
  // What Write would send, for people. No authentication is in it; the values of `config` are those
  // that the writer was made with.
  virtual absl::StatusOr<std::vector<RenderedRequest>> Render(
      const Batch& batch, std::span<const uint32_t> records) const = 0;
};

}  // namespace penstock::loader

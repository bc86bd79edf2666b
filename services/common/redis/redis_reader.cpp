#include "services/common/redis/redis_reader.h"

#include <hiredis/read.h>

#include <new>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

// hiredis asks for each object in turn; an element is built in place inside its parent's array, so
// only the root is owned by the reader.
RedisReply* Place(const redisReadTask* task) {
  if (task->parent == nullptr) return new (std::nothrow) RedisReply;
  return &static_cast<RedisReply*>(task->parent->obj)->array[static_cast<size_t>(task->idx)];
}

void* CreateString(const redisReadTask* task, char* bytes, size_t size) {
  RedisReply* reply = Place(task);
  if (reply == nullptr) return nullptr;
  reply->kind =
      task->type == REDIS_REPLY_ERROR ? RedisReply::Kind::kError : RedisReply::Kind::kString;
  reply->text.assign(bytes, size);
  return reply;
}

void* CreateArray(const redisReadTask* task, int elements) {
  RedisReply* reply = Place(task);
  if (reply == nullptr) return nullptr;
  reply->kind = RedisReply::Kind::kArray;
  reply->array.resize(static_cast<size_t>(elements));
  return reply;
}

void* CreateInteger(const redisReadTask* task, long long value) {  // NOLINT: hiredis' type
  RedisReply* reply = Place(task);
  if (reply == nullptr) return nullptr;
  reply->kind = RedisReply::Kind::kInteger;
  reply->integer = value;
  return reply;
}

void* CreateNil(const redisReadTask* task) {
  return Place(task);
}

void FreeRoot(void* reply) {
  delete static_cast<RedisReply*>(reply);
}

redisReplyObjectFunctions functions = {CreateString, CreateArray, CreateInteger, CreateNil,
                                       FreeRoot};

}  // namespace

void RedisReader::Free::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

RedisReader::RedisReader(size_t max_reply_bytes)
    : reader_(redisReaderCreateWithFunctions(&functions)), max_reply_bytes_(max_reply_bytes) {
  if (reader_ == nullptr) throw std::bad_alloc();
}

absl::Status RedisReader::Feed(std::string_view bytes) {
  unfinished_bytes_ += bytes.size();
  if (unfinished_bytes_ > max_reply_bytes_) {
    return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                 fmt::format("a reply of Redis is larger than {} bytes", max_reply_bytes_));
  }
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    return Error(ErrorCode::kQUEUE_UNAVAILABLE, reader_->errstr);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RedisReply>> RedisReader::Next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    return Error(ErrorCode::kQUEUE_UNAVAILABLE,
                 fmt::format("what answers at Redis' address doesn't speak its protocol: {}",
                             reader_->errstr));
  }
  if (reply == nullptr) return std::nullopt;
  unfinished_bytes_ = reader_->len - reader_->pos;
  std::unique_ptr<RedisReply> root(static_cast<RedisReply*>(reply));
  return std::move(*root);
}

}  // namespace penstock

#include "services/common/testing/redis_server.h"

#include <hiredis/hiredis.h>
#include <signal.h>

#include <stdexcept>

#include "fmt/format.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/wait_for.h"

namespace penstock::testing {
namespace {

namespace fs = std::filesystem;

RedisReply Convert(const redisReply& in) {
  RedisReply out;
  switch (in.type) {
    case REDIS_REPLY_INTEGER:
      out.kind = RedisReply::Kind::kInteger;
      out.integer = in.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out.kind = RedisReply::Kind::kString;
      out.text.assign(in.str, in.len);
      break;
    case REDIS_REPLY_ERROR:
      out.kind = RedisReply::Kind::kError;
      out.text.assign(in.str, in.len);
      break;
    case REDIS_REPLY_ARRAY:
      out.kind = RedisReply::Kind::kArray;
      for (size_t i = 0; i < in.elements; ++i) out.array.push_back(Convert(*in.element[i]));
      break;
    default:
      break;
  }
  return out;
}

// Nothing when the server can't be reached.
std::optional<RedisReply> Ask(uint16_t port, std::initializer_list<std::string_view> words) {
  std::unique_ptr<redisContext, decltype(&redisFree)> context(
      redisConnectWithTimeout("127.0.0.1", port, timeval{5, 0}), &redisFree);
  if (context == nullptr || context->err != 0) return std::nullopt;
  std::vector<const char*> args;
  std::vector<size_t> sizes;
  for (std::string_view word : words) {
    args.push_back(word.data());
    sizes.push_back(word.size());
  }
  std::unique_ptr<void, decltype(&freeReplyObject)> reply(
      redisCommandArgv(context.get(), static_cast<int>(args.size()), args.data(), sizes.data()),
      &freeReplyObject);
  if (reply == nullptr) return std::nullopt;
  return Convert(*static_cast<redisReply*>(reply.get()));
}

}  // namespace

RedisServer::RedisServer() : RedisServer(Options()) {}

RedisServer::RedisServer(Options options) : options_(std::move(options)), port_(FreePort()) {
  Start();
}

RedisServer::~RedisServer() {
  if (Running()) Kill();
}

std::string RedisServer::Url(std::optional<uint16_t> port) const {
  return fmt::format("redis://127.0.0.1:{}", port.value_or(port_));
}

RedisReply RedisServer::Command(std::initializer_list<std::string_view> words) {
  std::optional<RedisReply> reply = Ask(port_, words);
  if (!reply) throw std::runtime_error("Redis doesn't answer: " + ReadFile(dir_ / "redis.log"));
  return *std::move(reply);
}

void RedisServer::Flush() {
  Command({"FLUSHALL"});
}

void RedisServer::Start() {
  ChildProcess::Options child;
  child.args = {"redis-server",
                "--port",
                std::to_string(port_),
                "--bind",
                "127.0.0.1",
                "--dir",
                dir_.path(),
                "--save",
                "",
                "--appendonly",
                "no",
                "--daemonize",
                "no"};
  child.args.insert(child.args.end(), options_.settings.begin(), options_.settings.end());
  child.out = dir_ / "redis.log";
  server_ = std::make_unique<ChildProcess>(std::move(child));
  auto answers = [&] {
    std::optional<RedisReply> reply = Ask(port_, {"PING"});
    return reply && !reply->IsError("LOADING");
  };
  bool up = WaitFor([&] { return answers() || !server_->Running(); });
  if (!up || !server_->Running())
    throw std::runtime_error("Redis didn't start: " + ReadFile(dir_ / "redis.log"));
}

void RedisServer::Stop() {
  server_->Signal(SIGTERM);
  server_->Wait();
  fs::remove(dir_ / "dump.rdb");
}

void RedisServer::Kill() {
  server_->Kill();
  fs::remove(dir_ / "dump.rdb");
}

bool RedisServer::Running() {
  return server_ != nullptr && server_->Running();
}

void RedisServer::SaveDump(std::string_view name) {
  RedisReply reply = Command({"SAVE"});
  if (reply.IsError()) throw std::runtime_error("SAVE: " + reply.text);
  fs::rename(dir_ / "dump.rdb", dir_ / fmt::format("{}.kept", name));
}

void RedisServer::RestoreDump(std::string_view name) {
  if (Running()) Kill();
  fs::copy_file(dir_ / fmt::format("{}.kept", name), dir_ / "dump.rdb");
  Start();
}

}  // namespace penstock::testing

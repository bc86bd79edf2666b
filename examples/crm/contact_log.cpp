#include "examples/crm/contact_log.h"

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "fmt/format.h"
#include "services/common/core/clock.h"
#include "services/common/core/status.h"

namespace penstock::crm {
namespace {

namespace json = boost::json;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             Clock::System().Wall().time_since_epoch())
      .count();
}

// Throws what Boost.JSON throws.
void Redo(const json::value& line, ContactStore& contacts) {
  const auto id = line.at("id").to_number<uint64_t>();
  if (line.at("call") == "archive") {
    contacts.Archive(id);
    return;
  }
  Properties properties;
  for (const auto& [name, value] : line.at("properties").as_object())
    properties.emplace(name, std::string(value.as_string()));
  contacts.Restore(id, properties);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContactLog>> ContactLog::Open(const std::string& path,
                                                             ContactStore& contacts) {
  std::ifstream in(path);
  std::string line;
  uintmax_t good = 0;  // bytes of whole lines
  for (int number = 1; std::getline(in, line) && !in.eof(); ++number) {
    try {
      Redo(json::parse(line), contacts);
    } catch (const std::exception& error) {
      return Error(
          ErrorCode::kINVALID_CONFIGURATION,
          fmt::format("{}:{}: {}; is this a log of contacts?", path, number, error.what()));
    }
    good += line.size() + 1;
  }
  in.close();
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (file == nullptr)
    return Error(ErrorCode::kINVALID_CONFIGURATION, fmt::format("can't write to {}", path));
  std::error_code error;
  std::filesystem::resize_file(path, good, error);
  if (error) {
    std::fclose(file);
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 fmt::format("can't cut the last line of {}: {}", path, error.message()));
  }
  return std::unique_ptr<ContactLog>(new ContactLog(file));
}

ContactLog::~ContactLog() {
  std::fclose(file_);
}

void ContactLog::Upsert(uint64_t id, const Properties& properties) {
  json::object values;
  for (const auto& [name, value] : properties) values[name] = value;
  const json::object line{
      {"ms", NowMs()}, {"call", "upsert"}, {"id", id}, {"properties", std::move(values)}};
  fmt::print(file_, "{}\n", json::serialize(line));
}

void ContactLog::Archive(uint64_t id) {
  fmt::print(file_, "{}\n",
             json::serialize(json::object{{"ms", NowMs()}, {"call", "archive"}, {"id", id}}));
}

void ContactLog::Flush() {
  std::fflush(file_);
}

}  // namespace penstock::crm

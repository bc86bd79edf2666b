#include "services/extractor/sources/postgres/connection_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "services/common/core/nearest.h"
#include "services/common/core/status.h"

namespace penstock {
namespace {

constexpr std::array<std::string_view, 9> kFields = {"host",
                                                     "port",
                                                     "database",
                                                     "user",
                                                     "password",
                                                     "tls",
                                                     "tls_ca",
                                                     "connect_timeout",
                                                     "statement_timeout"};
constexpr std::array<std::string_view, 5> kTlsModes = {"disable", "prefer", "require", "verify-ca",
                                                       "verify-full"};

class Reader {
 public:
  explicit Reader(const Source& source) : source_(source) {}

  absl::Status CheckNames() const {
    for (const auto& [name, value] : source_.config) {
      if (std::find(kFields.begin(), kFields.end(), name) == kFields.end())
        return Refuse(name, "unknown field" + DidYouMean(name, kFields));
    }
    return absl::OkStatus();
  }
  std::string Text(const std::string& name, const std::string& otherwise = "") const {
    auto found = source_.config.find(name);
    return found == source_.config.end() ? otherwise : found->second;
  }
  absl::StatusOr<int64_t> Number(const std::string& name, int64_t otherwise, int64_t least,
                                 int64_t most) const {
    std::string text = Text(name, std::to_string(otherwise));
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
      return Refuse(name, "must be a whole number from " + std::to_string(least) + " to " +
                              std::to_string(most));
    return value;
  }
  absl::Status Refuse(const std::string& name, const std::string& why) const {
    return Error(ErrorCode::kINVALID_CONFIGURATION,
                 "source \"" + source_.meta.name + "\": config." + name + ": " + why);
  }

 private:
  const Source& source_;
};

}  // namespace

absl::StatusOr<PostgresSettings> ReadPostgresSettings(const Source& source) {
  Reader reader(source);
  PENSTOCK_RETURN_IF_ERROR(reader.CheckNames());
  for (const char* name : {"host", "database", "user"}) {
    if (reader.Text(name).empty()) return reader.Refuse(name, "is missing");
  }
  std::string tls = reader.Text("tls", "prefer");
  if (std::find(kTlsModes.begin(), kTlsModes.end(), tls) == kTlsModes.end())
    return reader.Refuse("tls", "\"" + tls + "\" is not one of disable, prefer, require, " +
                                    "verify-ca, verify-full" + DidYouMean(tls, kTlsModes));
  constexpr int64_t kDay = 86'400;
  PENSTOCK_ASSIGN_OR_RETURN(int64_t port, reader.Number("port", 5432, 1, 65535));
  PENSTOCK_ASSIGN_OR_RETURN(int64_t connect, reader.Number("connect_timeout", 10, 1, 600));
  PENSTOCK_ASSIGN_OR_RETURN(int64_t statement, reader.Number("statement_timeout", 3600, 1, kDay));

  PostgresSettings settings;
  settings.schema = source.schema;
  settings.connect_timeout = std::chrono::seconds(connect);
  settings.statement_timeout = std::chrono::seconds(statement);
  settings.place = reader.Text("user") + "@" + reader.Text("host") + ":" + std::to_string(port) +
                   "/" + reader.Text("database");
  settings.parameters = {{"host", reader.Text("host")},
                         {"port", std::to_string(port)},
                         {"dbname", reader.Text("database")},
                         {"user", reader.Text("user")},
                         {"sslmode", tls},
                         {"client_encoding", "UTF8"},
                         {"application_name", "penstock"},
                         // A warehouse that silently goes away is noticed within a minute.
                         {"keepalives_idle", "20"},
                         {"keepalives_interval", "10"},
                         {"keepalives_count", "4"}};
  if (std::string password = reader.Text("password"); !password.empty())
    settings.parameters.emplace_back("password", password);
  if (std::string ca = reader.Text("tls_ca"); !ca.empty())
    settings.parameters.emplace_back("sslrootcert", ca);
  return settings;
}

}  // namespace penstock

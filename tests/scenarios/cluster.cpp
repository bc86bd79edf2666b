#include "tests/scenarios/cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <sstream>
#include <stdexcept>

#include "fmt/format.h"
#include "services/common/testing/free_port.h"
#include "services/common/testing/wait_for.h"

#ifndef PENSTOCK_BINARIES
#error "PENSTOCK_BINARIES is the folder with the services' programs"
#endif

namespace penstock::scenario {
namespace {

namespace fs = std::filesystem;
using testing::ChildProcess;
using testing::FreePort;
using testing::WaitFor;

const Cluster::Settings kShortTimes = {
    {"state", {{"lease", "1s"}, {"grant_slack", "300ms"}, {"watch_interval", "100ms"}}},
    {"planner",
     {{"reconcile_interval", "300ms"}, {"test_interval", "300ms"}, {"read_backoff", "100ms"}}},
    {"extractor",
     {{"heartbeat", "300ms"},
      {"poll_interval", "200ms"},
      {"backlog_bytes", "256kB"},
      {"destination_backlog_bytes", "256kB"}}},
    {"loader",
     {{"attempt_timeout", "500ms"},
      {"connect_timeout", "300ms"},
      {"grant_margin", "300ms"},
      {"claim_idle", "1s"},
      {"poll_interval", "100ms"},
      {"connection_refresh", "500ms"},
      {"retry_base", "50ms"},
      {"retry_cap", "300ms"},
      {"breaker_open", "200ms"},
      {"park_for", "500ms"}}},
};

// "loader2" is a loader.
std::string Kind(const std::string& name) {
  return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

// Why the service of that admin port is not ready; "" when it is.
std::string NotReady(uint16_t port) {
  namespace http = boost::beast::http;
  try {
    boost::asio::io_context io;
    boost::beast::tcp_stream stream(io);
    stream.connect({boost::asio::ip::address_v4::loopback(), port});
    http::request<http::empty_body> request(http::verb::get, "/readyz", 11);
    request.set(http::field::host, "localhost");
    http::write(stream, request);
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(stream, buffer, response);
    return response.result() == http::status::ok ? "" : response.body();
  } catch (const boost::system::system_error& error) {
    return error.what();
  }
}

std::string Variable(const std::string& option, const std::string& value) {
  std::string name = "PENSTOCK_" + option;
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name + "=" + value;
}

}  // namespace

Cluster::Cluster(const Settings& settings, const std::vector<std::string>& services,
                 const std::set<std::string>& own_clocks)
    : state_port_(FreePort()), settings_(kShortTimes) {
  for (const auto& [service, options] : settings) {
    for (const auto& [name, value] : options) settings_[service][name] = value;
  }
  fs::create_directory(dir_ / "secrets");
  postgres_.CreateDatabase("penstock");
  postgres_.Sql("CREATE ROLE penstock_state LOGIN");
  postgres_.Sql("ALTER DATABASE penstock OWNER TO penstock_state");
  postgres_.CreateDatabase("warehouse");
  for (const std::string& name : services) {
    Service& service = services_[name];
    service.program = fmt::format("{}/penstock-{}", PENSTOCK_BINARIES, Kind(name));
    service.port = name == "state" ? state_port_ : FreePort();
    service.admin_port = FreePort();
    service.own_clock = own_clocks.contains(name);
    if (service.own_clock) SetClock(name, std::chrono::seconds(0));
  }
  // State first: the others are not ready without it.
  Start("state");
  for (const std::string& name : services) {
    if (name != "state") Start(name);
  }
}

std::string Cluster::planner_address(const std::string& name) const {
  return fmt::format("127.0.0.1:{}", services_.at(name).port);
}

std::string Cluster::Addresses(const std::string& kind) const {
  std::string out;
  for (const auto& [name, service] : services_) {
    if (Kind(name) != kind) continue;
    out += fmt::format("{}127.0.0.1:{}", out.empty() ? "" : ",", service.port);
  }
  return out;
}

std::vector<std::string> Cluster::Environment(const std::string& name,
                                              const Service& service) const {
  std::vector<std::string> env = {
      Variable("listen", fmt::format("127.0.0.1:{}", service.port)),
      Variable("admin_listen", fmt::format("127.0.0.1:{}", service.admin_port)),
      Variable("redis_url", redis_.Url(redis_gate_.port())),
      Variable("secrets_dir", (dir_ / "secrets").string()), Variable("grace_period", "5s")};
  const std::string kind = Kind(name);
  if (kind == "state") {
    // No superuser, whom PostgreSQL would not refuse a connection.
    env.push_back(Variable("database", postgres_.Dsn("penstock") + " user=penstock_state"));
  } else {
    env.push_back(Variable("state", fmt::format("127.0.0.1:{}", state_gate_.port())));
  }
  if (kind == "planner") {
    env.push_back(Variable("extractors", Addresses("extractor")));
    env.push_back(Variable("loaders", Addresses("loader")));
  }
  if (service.own_clock) {
    env.push_back(std::string("LD_PRELOAD=") + PENSTOCK_WALL_CLOCK_LIBRARY);
    env.push_back("PENSTOCK_WALL_CLOCK=" + (dir_ / (name + ".clock")).string());
  }
  if (kind == "extractor") env.push_back(Variable("work_dir", (dir_ / name).string()));
  if (auto options = settings_.find(kind); options != settings_.end()) {
    for (const auto& [option, value] : options->second) env.push_back(Variable(option, value));
  }
  return env;
}

void Cluster::Launch(const std::string& name, const std::string& test_point) {
  Service& service = services_.at(name);
  ChildProcess::Options options{
      .args = {service.program}, .env = Environment(name, service), .out = dir_ / (name + ".log")};
  if (!test_point.empty()) options.env.push_back("PENSTOCK_TESTPOINT=" + test_point);
  service.process = std::make_unique<ChildProcess>(std::move(options));
  service.should_run = test_point.empty();
}

void Cluster::Start(const std::string& name, const std::string& test_point) {
  Launch(name, test_point);
  const Service& service = services_.at(name);
  const bool up = WaitFor([&] { return NotReady(name).empty() || !service.process->Running(); });
  if (!up || (service.should_run && !service.process->Running()))
    throw std::runtime_error(name + " didn't become ready");
}

void Cluster::Signal(const std::string& name, int signal) {
  Service& service = services_.at(name);
  service.process->Signal(signal);
  if (signal == SIGKILL || signal == SIGTERM) {
    service.should_run = false;
    if (!WaitForEnd(name)) throw std::runtime_error(name + " didn't end");
  }
}

bool Cluster::WaitForEnd(const std::string& name) {
  return services_.at(name).process->Wait(std::chrono::seconds(15)).has_value();
}

bool Cluster::WaitForStop(const std::string& name) {
  const fs::path stat = fmt::format("/proc/{}/stat", services_.at(name).process->pid());
  return WaitFor([&] {
    // "pid (name) state …", where the name may hold anything.
    const std::string text = testing::ReadFile(stat);
    const size_t end = text.rfind(')');
    return end != text.npos && text.compare(end + 1, 2, " T") == 0;
  });
}

void Cluster::SetClock(const std::string& name, std::chrono::seconds ahead) {
  const int64_t seconds = ahead.count();
  const fs::path path = dir_ / (name + ".clock");
  // Written in place, for the process has it mapped.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const bool written = fd >= 0 && pwrite(fd, &seconds, sizeof seconds, 0) == sizeof seconds;
  close(fd);
  if (!written) throw std::runtime_error(path.string() + " can't be written");
}

uint64_t Cluster::SpoolBytes() {
  constexpr uint64_t kStatBlock = 512;
  uint64_t bytes = 0;
  for (const auto& [name, service] : services_) {
    if (Kind(name) != "extractor" || !service.process->Running()) continue;
    // A spool is a file without a name: only its process shows it.
    const fs::path descriptors = fmt::format("/proc/{}/fd", service.process->pid());
    for (const auto& entry : fs::directory_iterator(descriptors)) {
      std::error_code closed;
      const std::string target = fs::read_symlink(entry.path(), closed).string();
      struct stat file{};
      if (target.starts_with((dir_ / name / "spool").string()) &&
          stat(entry.path().c_str(), &file) == 0)
        bytes += static_cast<uint64_t>(file.st_blocks) * kStatBlock;
    }
  }
  return bytes;
}

std::string Cluster::Fallen() {
  for (auto& [name, service] : services_) {
    if (service.should_run && !service.process->Running()) return name;
  }
  return {};
}

void Cluster::SetSecret(const std::string& name, const std::string& value) {
  testing::WriteFile(dir_ / "secrets" / name, value);
}

std::string Cluster::NotReady(const std::string& name) const {
  return scenario::NotReady(services_.at(name).admin_port);
}

uint64_t Cluster::PeakMemory(const std::string& name) const {
  const pid_t pid = services_.at(name).process->pid();
  const std::string status = testing::ReadFile(fmt::format("/proc/{}/status", pid));
  constexpr std::string_view kPeak = "VmHWM:";
  const size_t at = status.find(kPeak);
  if (at == status.npos) throw std::runtime_error(name + " has no memory: does it run?");
  return std::stoull(status.substr(at + kPeak.size())) << 10;
}

std::string Cluster::LineWith(const std::string& text) const {
  for (const auto& [name, service] : services_) {
    const std::string log = testing::ReadFile(dir_ / (name + ".log"));
    const size_t at = log.find(text);
    if (at == log.npos) continue;
    const size_t from = log.rfind('\n', at) + 1;
    return log.substr(from, log.find('\n', at) - from);
  }
  return {};
}

std::string Cluster::LogTails() const {
  constexpr size_t kTail = 3000;
  std::string out;
  for (const auto& [name, service] : services_) {
    std::string log = testing::ReadFile(dir_ / (name + ".log"));
    size_t from = log.size() < kTail ? 0 : log.find('\n', log.size() - kTail) + 1;
    out += fmt::format("--- {} ---\n{}", name, log.substr(from));
  }
  return out;
}

}  // namespace penstock::scenario

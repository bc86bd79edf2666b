#include "services/common/core/testpoint.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace penstock {
namespace {

struct Armed {
  std::string name;
  int signal = SIGKILL;
  std::atomic<long> passes_left = 1;

  Armed() {
    const char* env = std::getenv("PENSTOCK_TESTPOINT");
    if (env == nullptr) return;
    std::string_view spec = env;
    if (spec.ends_with(":stop")) {
      signal = SIGSTOP;
      spec.remove_suffix(5);
    }
    if (size_t colon = spec.find(':'); colon != spec.npos) {
      long n = 1;
      std::from_chars(spec.data() + colon + 1, spec.data() + spec.size(), n);
      passes_left = n;
      spec = spec.substr(0, colon);
    }
    name = spec;
  }
};

}  // namespace

void PassTestPoint(const char* name) {
  static Armed armed;
  if (armed.name.empty() || armed.name != name) return;
  if (armed.passes_left.fetch_sub(1) == 1) std::raise(armed.signal);
}

}  // namespace penstock

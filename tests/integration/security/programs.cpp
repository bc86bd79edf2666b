#include "tests/integration/security/programs.h"

#include "services/common/testing/child_process.h"
#include "services/common/testing/temp_dir.h"

namespace penstock::testing {

ProgramEnd RunService(const std::string& service, std::map<std::string, std::string> options) {
  const TempDir dir("program");
  options.emplace("admin-listen", "127.0.0.1:0");
  options.emplace("listen", "127.0.0.1:0");
  if (service == "extractor") options.emplace("work-dir", dir / "work");
  std::vector<std::string> args = {std::string(PENSTOCK_BIN) + "/penstock-" + service};
  for (const auto& [name, value] : options) args.push_back("--" + name + "=" + value);
  ChildProcess process({.args = args, .out = dir / "out", .err = dir / "err"});
  const std::optional<int> code = process.Wait();
  process.Kill();
  return {code.value_or(-1), ReadFile(dir / "err")};
}

}  // namespace penstock::testing

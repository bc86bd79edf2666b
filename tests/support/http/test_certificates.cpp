#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/http/test_server.h"

namespace penstock::test {
namespace {

void Run(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) {
    throw std::runtime_error("failed: " + command);
  }
}

}  // namespace

TestCertificates::TestCertificates() {
  std::string pattern = (std::filesystem::temp_directory_path() / "penstock-certs-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  directory_ = pattern;
  Run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-subj '/CN=Test authority' -keyout " +
      directory_ + "/ca.key -out " + ca());
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

TestCertificates::Pair TestCertificates::Issue(const std::string& name) const {
  const bool address = name.find_first_not_of("0123456789.") == std::string::npos;
  const std::string base = directory_ + "/" + name;
  Run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=test' "
      "-keyout " +
      base + ".key -out " + base + ".csr");
  std::ofstream(base + ".ext") << "subjectAltName=" << (address ? "IP:" : "DNS:") << name;
  Run("openssl x509 -req -days 2 -in " + base + ".csr -CA " + ca() + " -CAkey " + directory_ +
      "/ca.key -CAcreateserial -extfile " + base + ".ext -out " + base + ".pem");
  return {base + ".pem", base + ".key"};
}

}  // namespace penstock::test

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// An HTTP server for tests, on a free port of 127.0.0.1, that answers with the very bytes a test
// says, so that it can also answer wrongly.
namespace penstock::test {

struct SeenRequest {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // names in lower case
  size_t connection = 0;                       // the number of its connection, from 0
};

struct TestAnswer {
  std::string bytes;                     // written as they are
  std::chrono::milliseconds delay{0};    // before they are written; cut short when the server stops
  bool close = false;                    // close the connection afterwards
  bool endless = false;                  // go on with more bytes until the client is gone
  std::chrono::milliseconds trickle{0};  // … over zero: one byte each time, so slowly
};

// A well-formed answer.
TestAnswer Respond(int status, const std::string& body, const std::string& more_headers = "",
                   const std::string& content_type = "application/json");

struct TestServerOptions {
  std::string certificate_file, key_file;         // both: TLS
  bool close_before_request = false;              // accept, then close at once
  std::chrono::milliseconds close_idle_after{0};  // how long a connection may idle; 0: for ever
};

class TestServer {
 public:
  // Called for each request, on a thread of its connection.
  using Handler = std::function<TestAnswer(const SeenRequest&)>;

  explicit TestServer(Handler handler, TestServerOptions options = {});
  ~TestServer();

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:<port>", or https://
  std::vector<SeenRequest> seen() const;
  size_t accepted() const;  // connections so far
  size_t open() const;      // connections that stand

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

// Certificates made by openssl in a temporary directory that goes with the object.
class TestCertificates {
 public:
  TestCertificates();
  ~TestCertificates();
  std::string ca() const { return directory_ + "/ca.pem"; }
  // A certificate for `name` ("localhost", an address), signed by the authority.
  struct Pair {
    std::string certificate, key;
  };
  Pair Issue(const std::string& name) const;

 private:
  std::string directory_;
};

}  // namespace penstock::test

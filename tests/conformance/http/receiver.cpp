#include "tests/conformance/http/receiver.h"

#include <boost/json.hpp>
#include <ctime>
#include <sstream>

#include "absl/strings/escaping.h"
#include "tests/support/http/decode.h"

namespace penstock::loader {
namespace {

namespace json = boost::json;
using test::HmacHex;
using test::ParseForm;
using test::Respond;
using test::SeenRequest;

std::string Header(const SeenRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string() : found->second;
}

std::string Basic(const std::string& user, const std::string& password) {
  return "Basic " + absl::Base64Escape(user + ":" + password);
}

bool IsNow(const std::string& timestamp) {
  return !timestamp.empty() && std::abs(std::atol(timestamp.c_str()) - std::time(nullptr)) < 60;
}

}  // namespace

Receiver::Receiver(std::string auth, std::string format, bool single)
    : auth_(std::move(auth)),
      format_(std::move(format)),
      single_(single),
      server_([this](const SeenRequest& request) { return Answer(request); }),
      url_(server_.url()) {}

void Receiver::SetSecret(const std::string& secret) {
  std::lock_guard lock(mutex_);
  secret_ = secret;
  tokens_.clear();
}
void Receiver::Refuse(const std::string& id) {
  std::lock_guard lock(mutex_);
  refused_ = id;
}
void Receiver::RevokeTokens() {
  std::lock_guard lock(mutex_);
  tokens_.clear();
}
std::vector<std::string> Receiver::taken() const {
  std::lock_guard lock(mutex_);
  return taken_;
}
std::vector<std::string> Receiver::complaints() const {
  std::lock_guard lock(mutex_);
  return complaints_;
}
int Receiver::tokens_given() const {
  std::lock_guard lock(mutex_);
  return tokens_given_;
}

test::TestAnswer Receiver::Answer(const SeenRequest& request) {
  std::lock_guard lock(mutex_);
  if (request.target == "/token") return GiveToken(request);
  if (!IsProven(request)) {
    // As some do, it repeats what it was sent.
    json::object said{{"message", "who are you, " + Header(request, "authorization") +
                                      Header(request, "x-api-key") + request.target + "?"}};
    return Respond(401, json::serialize(said));
  }
  return TakeRecords(request);
}

test::TestAnswer Receiver::GiveToken(const SeenRequest& request) {
  auto form = ParseForm(request.body);
  const bool in_body = auth_ == "oauth2_body";
  const bool known = in_body ? form["client_id"] == "me" && form["client_secret"] == secret_
                             : Header(request, "authorization") == Basic("me", secret_);
  if (form["grant_type"] != "client_credentials" || form["scope"] != "read write" ||
      form["audience"] != "https://api.example") {
    complaints_.push_back("token request: " + request.body);
  }
  if (!known) {
    return Respond(401, R"({"error":"invalid_client","error_description":"no client me with )" +
                            form["client_secret"] + "\"}");
  }
  const std::string token = "token-number-" + std::to_string(++tokens_given_);
  tokens_.insert(token);
  return Respond(200,
                 R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":3600})");
}

bool Receiver::IsProven(const SeenRequest& request) const {
  const std::string authorization = Header(request, "authorization");
  if (auth_ == "none") return authorization.empty();
  if (auth_ == "basic") return authorization == Basic("me", secret_);
  if (auth_ == "bearer") return authorization == "Bearer " + secret_;
  if (auth_ == "api_key") return Header(request, "x-api-key") == secret_;
  if (auth_ == "api_key_query") {
    const size_t query = request.target.find('?');
    return query != std::string::npos &&
           ParseForm(request.target.substr(query + 1))["api key"] == secret_;
  }
  if (auth_.starts_with("oauth2")) {
    return authorization.starts_with("Bearer ") && tokens_.contains(authorization.substr(7));
  }
  return IsSigned(request);
}

bool Receiver::IsSigned(const SeenRequest& request) const {
  if (auth_ == "github") {
    return Header(request, "x-hub-signature-256") ==
           "sha256=" + HmacHex("sha256", secret_, request.body);
  }
  if (auth_ == "slack") {
    const std::string time = Header(request, "x-slack-request-timestamp");
    return IsNow(time) && Header(request, "x-slack-signature") ==
                              "v0=" + HmacHex("sha256", secret_, "v0:" + time + ":" + request.body);
  }
  if (auth_ == "standard_webhooks") {
    const std::string time = Header(request, "webhook-timestamp");
    const std::string code =
        absl::HexStringToBytes(HmacHex("sha256", secret_, time + "." + request.body));
    return IsNow(time) && Header(request, "webhook-signature") == "v1," + absl::Base64Escape(code);
  }
  const std::string value = Header(request, "stripe-signature");  // t=…,v1=…
  const size_t comma = value.find(",v1=");
  if (!value.starts_with("t=") || comma == std::string::npos) return false;
  const std::string time = value.substr(2, comma - 2);
  return IsNow(time) &&
         value.substr(comma + 4) == HmacHex("sha256", secret_, time + "." + request.body);
}

std::vector<std::string> Receiver::IdsOf(const SeenRequest& request) {
  std::string body = request.body;
  if (Header(request, "content-encoding") == "gzip") body = test::Gunzip(body);
  const std::string type = Header(request, "content-type");
  std::vector<std::string> ids;
  const auto add = [&](const json::value& record) {
    ids.emplace_back(record.at("id").as_string());
  };
  if (format_ == "form" && type == "application/x-www-form-urlencoded") {
    ids.push_back(ParseForm(body).at("id"));
  } else if (format_ == "ndjson" && type == "application/x-ndjson" && body.ends_with('\n')) {
    std::istringstream lines(body);
    for (std::string line; std::getline(lines, line);) add(json::parse(line));
  } else if (format_ == "json" && type == "application/json") {
    const json::value whole = json::parse(body);
    if (single_) {
      add(whole);
    } else {
      for (const json::value& record : whole.at("records").as_array()) add(record);
    }
  } else {
    complaints_.push_back("a body of type " + type);
  }
  return ids;
}

test::TestAnswer Receiver::TakeRecords(const SeenRequest& request) {
  json::array taken, errors;
  for (const std::string& id : IdsOf(request)) {
    if (single_ && !request.target.starts_with("/records/" + id)) {
      complaints_.push_back(request.target + " for " + id);
    }
    if (id == refused_) {
      errors.push_back(json::object{{"id", id}, {"message", "not " + id}});
    } else {
      taken.push_back(json::object{{"id", id}});
      taken_.push_back(id);
    }
  }
  if (single_ && !errors.empty()) return Respond(422, json::serialize(errors[0]));
  const bool all = errors.empty();
  return Respond(all ? 200 : 207, json::serialize(json::object{{"taken", std::move(taken)},
                                                               {"errors", std::move(errors)}}));
}

}  // namespace penstock::loader

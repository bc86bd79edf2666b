#pragma once

#include <map>
#include <string>
#include <string_view>

// How receivers of requests take them apart, written apart from what makes them.
namespace penstock::test {

// Throws std::runtime_error when `data` is no whole gzip stream.
std::string Gunzip(std::string_view data);

// application/x-www-form-urlencoded; also of a query.
std::map<std::string, std::string> ParseForm(std::string_view text);

// "sha256" or "sha1"; the code's bytes in hex.
std::string HmacHex(std::string_view algorithm, std::string_view secret, std::string_view text);

}  // namespace penstock::test

#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <string_view>

namespace penstock::loader {

// RFC 6901. The empty pointer names the whole value.
bool IsPointer(std::string_view pointer);
// The value at `pointer`, or null. REQUIRES: IsPointer(pointer).
const boost::json::value* At(const boost::json::value& value, std::string_view pointer);
// A string's characters; any other scalar as its JSON text; of arrays and objects their JSON.
std::string PlainText(const boost::json::value& value);

}  // namespace penstock::loader

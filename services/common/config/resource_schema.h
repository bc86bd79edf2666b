#pragma once

#include <boost/json/object.hpp>

namespace penstock {

// JSON Schema (draft 7, the newest that YAML language servers check by) of one document of a
// resource file, made of the tables by which files are read. Fields that a later version will know
// are not in it.
boost::json::object ResourceSchema();

}  // namespace penstock

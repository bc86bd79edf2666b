#pragma once

#include "absl/status/statusor.h"
#include "services/common/model/resources.h"

namespace penstock::v1 {
class Connector;
class Destination;
class Model;
class Resource;
class Schedule;
class Source;
class Sync;
}  // namespace penstock::v1

// Resources between the API's messages and the model's plain data, the only place that knows both.
namespace penstock {

v1::Resource ToProto(const Resource& resource);
v1::Source ToProto(const Source& source);
v1::Model ToProto(const Model& model);
v1::Destination ToProto(const Destination& destination);
v1::Connector ToProto(const Connector& connector);
v1::Sync ToProto(const Sync& sync);

// INVALID_REQUEST when a message has no kind. Enum values that this build doesn't know become the
// default; checking the content is model/validate.h's business.
absl::StatusOr<Resource> FromProto(const v1::Resource& resource);
Source FromProto(const v1::Source& source);
Model FromProto(const v1::Model& model);
Destination FromProto(const v1::Destination& destination);
Connector FromProto(const v1::Connector& connector);
Sync FromProto(const v1::Sync& sync);
Schedule FromProto(const v1::Schedule& schedule);

}  // namespace penstock

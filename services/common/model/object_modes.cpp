#include "services/common/model/object_modes.h"

namespace penstock {

std::vector<Mode> ModesOf(const ObjectSpec& object) {
  std::vector<Mode> modes;
  for (const Mode mode :
       {Mode::kUpsert, Mode::kUpdate, Mode::kInsert, Mode::kMirror, Mode::kAppend}) {
    const bool can = object.operations.contains(OperationFor(mode)) &&
                     (mode != Mode::kMirror || object.operations.contains(Operation::kRemove));
    if (can) modes.push_back(mode);
  }
  return modes;
}

}  // namespace penstock

#include "services/planner/app/page_size.h"

#include "absl/strings/str_cat.h"
#include "services/common/core/status.h"

namespace penstock::planner {
namespace {

constexpr int32_t kDefaultPage = 50;
constexpr int32_t kMaxPage = 1000;

}  // namespace

absl::StatusOr<int32_t> PageSize(int32_t asked) {
  if (asked < 0 || asked > kMaxPage)
    return Error(ErrorCode::kINVALID_REQUEST,
                 absl::StrCat("page_size is ", asked, "; it must be from 0 to ", kMaxPage));
  return asked == 0 ? kDefaultPage : asked;
}

}  // namespace penstock::planner

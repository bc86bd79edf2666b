#include "services/state/app/membership_service.h"

#include "services/state/app/member_store.h"
#include "services/state/app/serve.h"

namespace penstock::state {

grpc::ServerUnaryReactor* MembershipService::Report(grpc::CallbackServerContext* call,
                                                    const pb::ReportMemberRequest* request,
                                                    pb::ReportMemberResponse* response) {
  return ServeFromDatabase(pool_, call, request, response, &ReportMember);
}

}  // namespace penstock::state

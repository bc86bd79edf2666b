#pragma once

#include "penstock/internal/v1/membership.grpc.pb.h"

namespace penstock {
class PgPool;
}

namespace penstock::state {

// penstock.internal.v1.MembershipService over the database. Thread-safe.
class MembershipService final : public penstock::internal::v1::MembershipService::CallbackService {
 public:
  // `pool` must outlive it.
  explicit MembershipService(PgPool& pool) : pool_(pool) {}

 private:
  grpc::ServerUnaryReactor* Report(grpc::CallbackServerContext* call,
                                   const penstock::internal::v1::ReportMemberRequest* request,
                                   penstock::internal::v1::ReportMemberResponse* response) override;

  PgPool& pool_;
};

}  // namespace penstock::state

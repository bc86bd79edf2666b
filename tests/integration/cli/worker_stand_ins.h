#pragma once

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <set>
#include <string>

#include "penstock/internal/v1/workers.grpc.pb.h"
#include "services/common/core/hash.h"

// An extractor and a loader of which a test says what they find, for what they are asked at apply.
namespace penstock::testing {

class ExtractorStandIn final : public internal::v1::ExtractorService::CallbackService {
 public:
  // The warehouse has every column but these, and an identity of the given type.
  void Lose(const std::string& column) {
    const std::lock_guard lock(mutex_);
    missing_.insert(column);
  }
  void TurnIdentityInto(const std::string& type) {
    const std::lock_guard lock(mutex_);
    type_ = type;
  }
  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  grpc::ServerUnaryReactor* DescribeModel(grpc::CallbackServerContext* call,
                                          const internal::v1::DescribeModelRequest* request,
                                          internal::v1::DescribeModelResponse* response) override {
    const std::lock_guard lock(mutex_);
    ++asked_;
    for (const internal::v1::SyncToCheck& check : request->syncs()) {
      std::string identity = type_;
      for (const std::string& field : check.sync().identity()) identity += "/" + field;
      (*response->mutable_identity_fingerprints())[check.sync().metadata().name()] =
          HashBytes64(identity);
      for (const v1::FieldMapping& field : check.sync().mapping()) {
        if (!missing_.contains(field.column().name())) continue;
        internal::v1::FieldProblem& problem = *response->add_problems();
        problem.set_kind("Sync");
        problem.set_name(check.sync().metadata().name());
        problem.set_field("spec.mapping." + field.path(0) + ".from");
        problem.set_message("the model has no column \"" + field.column().name() + "\"");
        problem.set_code("MODEL_COLUMN_MISSING");
      }
    }
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* TestSource(grpc::CallbackServerContext* call,
                                       const internal::v1::TestSourceRequest* request,
                                       v1::TestConnectionResponse* response) override {
    response->set_ok(true);
    response->add_findings("reached " + request->source().config().at("host"));
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> missing_;
  std::string type_ = "text";
  int asked_ = 0;
};

class LoaderStandIn final : public internal::v1::LoaderService::CallbackService {
 public:
  grpc::ServerUnaryReactor* CheckDelivery(grpc::CallbackServerContext* call,
                                          const internal::v1::CheckDeliveryRequest*,
                                          internal::v1::CheckDeliveryResponse*) override {
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* TestDestination(grpc::CallbackServerContext* call,
                                            const internal::v1::TestDestinationRequest*,
                                            v1::TestConnectionResponse* response) override {
    response->set_ok(false);
    response->add_findings("the token was refused");
    response->set_code("DESTINATION_UNAUTHENTICATED");
    response->set_owner("user");
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace penstock::testing

#pragma once

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

namespace penstock::testing {

// Calls any method, unary or streaming, with an empty request, and waits for how it ends.
inline grpc::Status CallWithoutRequest(const std::shared_ptr<grpc::Channel>& channel,
                                       const google::protobuf::MethodDescriptor& method,
                                       const std::string& token = {},
                                       std::chrono::seconds timeout = std::chrono::seconds(10)) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  const auto done = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  };
  const std::string path = "/" + method.service()->full_name() + "/" + method.name();
  const auto call = stub.PrepareCall(&context, path, &queue);
  call->StartCall(nullptr);
  done();
  const grpc::Slice empty;
  call->WriteLast(grpc::ByteBuffer(&empty, 1), {}, nullptr);
  done();
  grpc::Status status;
  call->Finish(&status, nullptr);
  done();
  return status;
}

}  // namespace penstock::testing

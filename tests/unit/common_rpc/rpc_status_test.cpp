#include "services/common/rpc/rpc_status.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/common/core/status.h"
#include "services/common/rpc/rpc_channel.h"
#include "services/common/rpc/trace.h"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(RpcStatus, AnErrorKeepsCodeMessageAndOwnerOverTheWire) {
  absl::Status sent = Error(ErrorCode::kRUN_ACTIVE, "run r1 of sync crm is active; wait for it");
  grpc::Status wire = ToGrpc(sent);
  EXPECT_EQ(wire.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(wire.error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "RUN_ACTIVE");
  EXPECT_EQ(info.domain(), "penstock.dev");
  EXPECT_EQ(info.metadata().at("owner"), "user");
  absl::Status received = FromGrpc(wire, ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_EQ(received, sent);
  EXPECT_EQ(CodeOf(received), ErrorCode::kRUN_ACTIVE);
}

TEST(RpcStatus, WhatProgramsNeedArrivesBesideTheOwner) {
  const absl::Status sent = WithMetadata(Error(ErrorCode::kRUN_ACTIVE, "busy"), "run_id", "r1");
  const grpc::Status wire = ToGrpc(sent);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(wire.error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "RUN_ACTIVE");
  EXPECT_EQ(info.metadata().at("run_id"), "r1");
  EXPECT_EQ(info.metadata().at("owner"), "user");
  const absl::Status received = FromGrpc(wire, ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_EQ(received, sent);
  EXPECT_EQ(MetadataOf(received, "run_id"), "r1");
  EXPECT_EQ(MetadataOf(received, "owner"), "");
}

TEST(RpcStatus, AllViolationsArriveWithTheirFields) {
  std::vector<FieldViolation> violations = {
      {"resources[0].spec.identity", "\"mail\" is not mapped (did you mean \"email\"?)"},
      {"resources[1].spec.mode", "hubspot contacts can't append"}};
  absl::Status received =
      FromGrpc(ToGrpc(BadRequestError(ErrorCode::kINVALID_RESOURCE, violations)),
               ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_EQ(FieldViolationsOf(received), violations);
  EXPECT_EQ(received.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(received.message()),
            "resources[0].spec.identity: \"mail\" is not mapped (did you mean \"email\"?) (and 1 "
            "more)");
  EXPECT_TRUE(FieldViolationsOf(Error(ErrorCode::kINTERNAL, "x")).empty());
}

TEST(RpcStatus, WhatMayBeTriedAgainSaysWhen) {
  auto delay = [](const absl::Status& status) {
    return RetryDelayOf(FromGrpc(ToGrpc(status), ErrorCode::kSTATE_UNAVAILABLE));
  };
  EXPECT_EQ(delay(Error(ErrorCode::kDATABASE_UNAVAILABLE, "restarting")), 1000ms);
  EXPECT_EQ(delay(WithRetryDelay(Error(ErrorCode::kQUEUE_FULL, "full"), 2500ms)), 2500ms);
  EXPECT_EQ(delay(Error(ErrorCode::kINVALID_RESOURCE, "never")), 0ms);
}

TEST(RpcStatus, WhatNoServiceSaidGetsTheCallersCode) {
  grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "connection refused");
  EXPECT_EQ(CodeOf(FromGrpc(lost, ErrorCode::kSTATE_UNAVAILABLE)), ErrorCode::kSTATE_UNAVAILABLE);
  grpc::Status late(grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded");
  EXPECT_EQ(CodeOf(FromGrpc(late, ErrorCode::kSTATE_UNAVAILABLE)), ErrorCode::kSTATE_UNAVAILABLE);
  grpc::Status old(grpc::StatusCode::UNIMPLEMENTED, "no such method");
  absl::Status received = FromGrpc(old, ErrorCode::kSTATE_UNAVAILABLE);
  EXPECT_EQ(CodeOf(received), ErrorCode::kINTERNAL);
  EXPECT_EQ(received.code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(FromGrpc(grpc::Status::OK, ErrorCode::kINTERNAL).ok());
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
}

TEST(Trace, IsPassedOnWithANewSpan) {
  SeededRandom random(7);
  auto trace = Trace::Parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  Trace child = trace->Child(random);
  EXPECT_EQ(child.id(), trace->id());
  EXPECT_NE(child.traceparent(), trace->traceparent());
  EXPECT_TRUE(Trace::Parse(child.traceparent()).has_value());
  EXPECT_TRUE(Trace::Parse(Trace::New(random).traceparent()).has_value());
}

TEST(Trace, IgnoresWhatIsNotWellFormed) {
  for (std::string_view text : {"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"})
    EXPECT_FALSE(Trace::Parse(text).has_value()) << text;
}

TEST(ChannelTarget, TakesOneNameOrManyAddresses) {
  EXPECT_EQ(*ChannelTarget({"state.penstock:7071"}), "dns:///state.penstock:7071");
  EXPECT_EQ(*ChannelTarget({"127.0.0.1:1", "127.0.0.1:2"}), "ipv4:127.0.0.1:1,127.0.0.1:2");
  EXPECT_EQ(*ChannelTarget({"[::1]:1"}), "ipv6:[::1]:1");
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {}, {"a:1", "b:2"}, {"127.0.0.1:1", "b:2"}, {"host"}, {":1"}, {"host:0"}})
    EXPECT_EQ(CodeOf(ChannelTarget(wrong).status()), ErrorCode::kINVALID_CONFIGURATION);
}

}  // namespace
}  // namespace penstock

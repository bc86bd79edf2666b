#include "services/common/config/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "services/common/core/status.h"

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SecretsTest : public ::testing::Test {
 protected:
  SecretsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "secrets-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(root_ / "mounted");
  }
  ~SecretsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::string& content) {
    std::ofstream(root_ / "mounted" / name, std::ios::binary) << content;
  }
  absl::StatusOr<std::string> Resolve(const std::string& text) {
    auto config = secrets().Resolve({{"password", text}});
    if (!config.ok()) return config.status();
    return config->at("password");
  }
  Secrets secrets() const { return Secrets((root_ / "mounted").string()); }

  // SECRET_NOT_FOUND that names the field, and tells no secret.
  void ExpectRefused(const std::string& text) {
    const auto value = Resolve(text);
    ASSERT_EQ(CodeOf(value.status()), ErrorCode::kSECRET_NOT_FOUND) << text;
    EXPECT_THAT(std::string(value.status().message()), HasSubstr("config.password")) << text;
    EXPECT_THAT(std::string(value.status().message()), Not(HasSubstr("hunter2"))) << text;
  }

  std::filesystem::path root_;
};

TEST_F(SecretsTest, AReferenceBecomesTheFilesContentWithoutItsLastNewline) {
  Write("token", "hunter2\n");
  EXPECT_EQ(*Resolve("${secret:token}"), "hunter2");
  EXPECT_EQ(*Resolve("Bearer ${secret:token}!"), "Bearer hunter2!");
  Write("two-lines", "a\nb\n\n");
  EXPECT_EQ(*Resolve("${secret:two-lines}${secret:token}"), "a\nb\nhunter2");
}

TEST_F(SecretsTest, TextWithoutReferencesIsLeftAlone) {
  EXPECT_EQ(*Resolve("cost: 5$ {secret:token} }"), "cost: 5$ {secret:token} }");
  EXPECT_EQ(*Resolve(""), "");
}

TEST_F(SecretsTest, ARotatedSecretIsReadAnew) {
  Write("token", "old");
  const Secrets secrets = this->secrets();
  EXPECT_EQ(secrets.Resolve({{"t", "${secret:token}"}})->at("t"), "old");
  Write("token", "new");
  EXPECT_EQ(secrets.Resolve({{"t", "${secret:token}"}})->at("t"), "new");
}

TEST_F(SecretsTest, WhatASecretSaysIsNotReadAsAReference) {
  Write("inner", "hunter2");
  Write("token", "${secret:inner}");
  EXPECT_EQ(*Resolve("${secret:token}"), "${secret:inner}");
}

TEST_F(SecretsTest, NoPathLeadsOutOfTheFolder) {
  std::ofstream(root_ / "outside") << "hunter2";
  std::filesystem::create_directory(root_ / "mounted" / "folder");
  Write("folder/inside", "hunter2");
  ExpectRefused("${secret:../outside}");
  ExpectRefused("${secret:" + (root_ / "outside").string() + "}");
  ExpectRefused("${secret:folder/inside}");
  ExpectRefused("${secret:}");
  ExpectRefused("${secret:.}");
  ExpectRefused("${secret:..}");
}

TEST_F(SecretsTest, AFolderIsNoSecret) {
  std::filesystem::create_directory(root_ / "mounted" / "..data");
  ExpectRefused("${secret:..data}");
}

TEST_F(SecretsTest, AMissingSecretNamesTheFieldTheSecretAndTheRemedy) {
  const auto value = Resolve("${secret:nope}");
  EXPECT_EQ(CodeOf(value.status()), ErrorCode::kSECRET_NOT_FOUND);
  const std::string message(value.status().message());
  EXPECT_THAT(message, HasSubstr("config.password"));
  EXPECT_THAT(message, HasSubstr("\"nope\""));
  EXPECT_THAT(message, HasSubstr("--secrets-dir"));
  EXPECT_EQ(CodeOf(Secrets("").Resolve({{"a", "${secret:nope}"}}).status()),
            ErrorCode::kSECRET_NOT_FOUND)
      << "no folder was given";
}

TEST_F(SecretsTest, OnlyVariablesMeantForItAreRead) {
  ::setenv("PENSTOCK_SECRET_TOKEN", "from-env", 1);
  ::setenv("PENSTOCK_STATE_PASSWORD", "hunter2", 1);
  EXPECT_EQ(*Resolve("${env:PENSTOCK_SECRET_TOKEN}"), "from-env");
  ExpectRefused("${env:PENSTOCK_STATE_PASSWORD}");
  ExpectRefused("${env:PATH}");
  ExpectRefused("${env:PENSTOCK_SECRET_THAT_IS_NOT_SET}");
}

TEST_F(SecretsTest, WhatIsNoReferenceIsRefusedAndNotSent) {
  Write("token", "hunter2");
  ExpectRefused("${token}");
  ExpectRefused("${secret:token");
  ExpectRefused("${file:/etc/passwd}");
  ExpectRefused("${}");
  ExpectRefused("${secret:token} and ${secret:nope}");
}

}  // namespace
}  // namespace penstock

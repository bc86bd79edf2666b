#include "examples/crm/crm_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/common/core/status.h"

namespace penstock::crm {
namespace {

using ::testing::HasSubstr;

class CrmApiTest : public ::testing::Test {
 protected:
  ~CrmApiTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

  static int Post(CrmApi& api, const std::string& call, const std::string& body,
                  const std::string& token = "t") {
    const std::string target = "/crm/v3/objects/contacts/batch/" + call;
    const std::string authorization = "Bearer " + token;
    return api
        .Answer({.method = "POST", .target = target, .authorization = authorization, .body = body},
                BootTime())
        .status;
  }
  static std::string Contacts(CrmApi& api) {
    return api
        .Answer({.method = "GET",
                 .target = "/contacts?format=lines&properties=hs_object_id,email,plan",
                 .authorization = {},
                 .body = {}},
                BootTime())
        .body;
  }
  static CrmApi Api() { return CrmApi({.token = Secret("t"), .token_file = {}}, 0); }

  const std::string folder_ = [] {
    std::string name = std::filesystem::temp_directory_path() / "penstock-crm.XXXXXX";
    return std::string(mkdtemp(name.data()));
  }();
};

constexpr char kTwo[] = R"({"inputs":[
  {"id":"ada@example.com","idProperty":"email","properties":{"email":"ada@example.com","plan":"pro"}},
  {"id":"Ken@example.com","idProperty":"email","properties":{"email":"Ken@example.com","plan":"free"}}]})";

TEST_F(CrmApiTest, KnowsAgainWhatItsLogSays) {
  {
    CrmApi api = Api();
    ASSERT_TRUE(api.KeepLog(Path("log")).ok());
    ASSERT_EQ(Post(api, "upsert", kTwo), 200);
    ASSERT_EQ(Post(api, "upsert",
                   R"({"inputs":[{"id":"1001",
                       "properties":{"email":"lovelace@example.com","plan":""}}]})"),
              200);
    ASSERT_EQ(Post(api, "archive", R"({"inputs":[{"id":"1002"},{"id":"7"}]})"), 204);
  }
  std::ofstream(Path("log"), std::ios::app) << R"({"ms":1,"call":"archive","id":10)";  // cut off
  CrmApi again = Api();
  ASSERT_TRUE(again.KeepLog(Path("log")).ok());
  const std::string contacts = Contacts(again);
  EXPECT_THAT(contacts, HasSubstr("lovelace@example.com|"));
  EXPECT_EQ(std::count(contacts.begin(), contacts.end(), '\n'), 1) << contacts;
  ASSERT_EQ(Post(again, "upsert", kTwo), 200);  // ada is a new contact: her e-mail was given up
  CrmApi third = Api();
  ASSERT_TRUE(third.KeepLog(Path("log")).ok());
  EXPECT_EQ(Contacts(third), Contacts(again));
}

TEST_F(CrmApiTest, RefusesAFileThatIsNoLog) {
  Write("log", "{\"call\":\"upsert\"}\n");
  CrmApi api = Api();
  EXPECT_THAT(std::string(api.KeepLog(Path("log")).message()), HasSubstr("log:1: "));
}

TEST_F(CrmApiTest, TakesEachTokenOfItsFileAsItIsNow) {
  Write("tokens", "old\n");
  CrmApi api({.token = Secret("t"), .token_file = Path("tokens")}, 0);
  EXPECT_EQ(Post(api, "upsert", kTwo, "old"), 200);
  EXPECT_EQ(Post(api, "upsert", kTwo, "t"), 401);
  Write("tokens", "old\nnew\n");
  EXPECT_EQ(Post(api, "upsert", kTwo, "old"), 200);
  EXPECT_EQ(Post(api, "upsert", kTwo, "new"), 200);
  Write("tokens", "new\n");
  EXPECT_EQ(Post(api, "upsert", kTwo, "old"), 401);
  EXPECT_EQ(Post(api, "upsert", kTwo, ""), 401);
}

}  // namespace
}  // namespace penstock::crm

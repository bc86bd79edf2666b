#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "examples/crm/contact_store.h"

namespace penstock::crm {

// What was done to contacts, one JSON object a line:
//   {"ms":1700000000000,"call":"upsert","id":1001,"properties":{"email":"ada@example.com"}}
//   {"ms":1700000000001,"call":"archive","id":1001}
// `ms` is since 1970. A request's lines are in the file before it is answered, so that a CRM that
// is killed knows again what it said that it knows. Not thread-safe.
class ContactLog {
 public:
  // Opens the file, or makes it, and does to `contacts` what it says. A last line that was cut is
  // dropped.
  static absl::StatusOr<std::unique_ptr<ContactLog>> Open(const std::string& path,
                                                          ContactStore& contacts);
  ~ContactLog();

  void Upsert(uint64_t id, const Properties& properties);
  void Archive(uint64_t id);
  // Hands what was added to the operating system.
  void Flush();

 private:
  explicit ContactLog(std::FILE* file) : file_(file) {}
  std::FILE* const file_;
};

}  // namespace penstock::crm

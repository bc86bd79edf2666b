#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace penstock::crm {

// Property values are strings, as in HubSpot's schema.
using Properties = std::map<std::string, std::string>;

struct Contact {
  uint64_t id = 0;  // hs_object_id
  Properties properties;
};

// The contacts, in memory. A contact is known by its record id and by its e-mail, which is compared
// without regard to case. Not thread-safe.
class ContactStore {
 public:
  const Contact* FindById(uint64_t id) const;
  const Contact* FindByEmail(std::string_view email) const;

  // The e-mail must not be taken; stored in lower case.
  const Contact& Create(std::string_view email, const Properties& properties);
  // Sets the given properties; "" clears one. False, with nothing changed, when the new e-mail is
  // another contact's.
  bool Update(uint64_t id, const Properties& properties);
  // A contact with this id and these properties, e-mail among them, as it was before.
  void Restore(uint64_t id, const Properties& properties);
  // False when there is none.
  bool Archive(uint64_t id);

  size_t size() const { return by_id_.size(); }
  // One line a contact, values joined by '|' in the order of `columns`, sorted bytewise.
  std::vector<std::string> SortedLines(const std::vector<std::string>& columns) const;

 private:
  std::unordered_map<uint64_t, Contact> by_id_;
  std::unordered_map<std::string, uint64_t> by_email_;  // in lower case
  uint64_t last_id_ = 1000;
};

// White space around is cut, letters become lower case.
std::string NormalEmail(std::string_view email);

}  // namespace penstock::crm

#include "examples/crm/contact_store.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace penstock::crm {
namespace {

void SetProperties(Contact& contact, const Properties& properties) {
  for (const auto& [name, value] : properties) {
    if (value.empty()) {
      contact.properties.erase(name);
    } else {
      contact.properties[name] = value;
    }
  }
}

}  // namespace

std::string NormalEmail(std::string_view email) {
  std::string normal(email);
  absl::StripAsciiWhitespace(&normal);
  absl::AsciiStrToLower(&normal);
  return normal;
}

const Contact* ContactStore::FindById(uint64_t id) const {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

const Contact* ContactStore::FindByEmail(std::string_view email) const {
  auto found = by_email_.find(NormalEmail(email));
  return found == by_email_.end() ? nullptr : FindById(found->second);
}

const Contact& ContactStore::Create(std::string_view email, const Properties& properties) {
  const uint64_t id = ++last_id_;
  Contact& contact = by_id_[id];
  contact.id = id;
  SetProperties(contact, properties);
  std::string normal = NormalEmail(email);
  contact.properties["email"] = normal;
  by_email_.emplace(std::move(normal), id);
  return contact;
}

void ContactStore::Restore(uint64_t id, const Properties& properties) {
  if (!by_id_.contains(id)) {
    Contact& contact = by_id_[id];
    contact.id = id;
    contact.properties["email"] = properties.at("email");
    by_email_.emplace(properties.at("email"), id);
    last_id_ = std::max(last_id_, id);
  }
  Update(id, properties);
}

bool ContactStore::Update(uint64_t id, const Properties& properties) {
  Contact& contact = by_id_.at(id);
  std::string old_email = contact.properties["email"];
  std::string new_email = old_email;
  if (auto email = properties.find("email"); email != properties.end() && !email->second.empty())
    new_email = NormalEmail(email->second);
  if (new_email != old_email && !by_email_.emplace(new_email, id).second) return false;
  if (new_email != old_email) by_email_.erase(old_email);
  SetProperties(contact, properties);
  contact.properties["email"] = std::move(new_email);
  return true;
}

bool ContactStore::Archive(uint64_t id) {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  by_email_.erase(found->second.properties["email"]);
  by_id_.erase(found);
  return true;
}

std::vector<std::string> ContactStore::SortedLines(const std::vector<std::string>& columns) const {
  std::vector<std::string> lines;
  lines.reserve(by_id_.size());
  for (const auto& [id, contact] : by_id_) {
    std::string line;
    for (const std::string& column : columns) {
      if (&column != &columns.front()) line += '|';
      if (auto value = contact.properties.find(column); value != contact.properties.end())
        line += value->second;
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace penstock::crm

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/resource_document.h"
#include "cli/selector.h"
#include "cli/session.h"

namespace penstock::cli {

// A resource as the server has it.
struct Listed {
  Resource resource;
  v1::DueTimes due;  // of a Sync
};

// RESOURCE_NOT_FOUND when there is none.
absl::StatusOr<Listed> GetResource(Session& session, const std::string& kind,
                                   const std::string& name);

// All of that kind that have these labels, in the order of names; `timeout` is for each page.
absl::StatusOr<std::vector<Listed>> ListResources(Session& session, const std::string& kind,
                                                  const TextMap& labels = {},
                                                  std::chrono::milliseconds timeout = kCallTimeout);

// As files have them: YAML documents, or JSON, a list of them.
void PrintDocuments(const std::vector<Resource>& resources, Format format,
                    Defaults defaults = Defaults::kLeftOut);
// The same of one: a JSON object.
void PrintDocument(const Resource& resource, Format format, Defaults defaults = Defaults::kLeftOut);

}  // namespace penstock::cli

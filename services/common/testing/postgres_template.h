#pragma once

#include <filesystem>

namespace penstock::testing {

// A data directory fresh from initdb, made once per machine, user and version and then copied to
// `target` (which must not exist). Safe when many test processes do it at once.
void CopyPostgresTemplate(const std::filesystem::path& target);

}  // namespace penstock::testing

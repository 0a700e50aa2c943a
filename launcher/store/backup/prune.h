// SPDX-License-Identifier: LGPL-2.1-or-later
// Old backups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dragoman {

/// dragoman-YYYYMMDDTHHMMSSZ.tar.zst
std::string backup_name(int64_t time_s);
/// The time in such a name, seconds since 1970; nothing if it is none.
std::optional<int64_t> backup_time(const std::string& name);

/// Removes the backups in `folder` older than `keep_days` at `now_s`: files that are ours by their
/// name and by their own header. The newest stays, however old. Returns the names removed.
std::vector<std::string> prune_backups(const std::string& folder, int keep_days, int64_t now_s);

}  // namespace dragoman

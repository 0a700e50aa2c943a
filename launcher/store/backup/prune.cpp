// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/prune.h"

#include <glib.h>

#include <filesystem>
#include <map>
#include <memory>

#include "launcher/store/backup/verify.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "dragoman-", kSuffix[] = ".tar.zst";
constexpr int64_t kDayS = 86400;

bool is_ours(const std::string& path) {
  try {
    read_backup_header(path);
    return true;
  } catch (const BackupError&) {
    return false;
  }
}

}  // namespace

std::string backup_name(int64_t time_s) {
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  g_autofree char* text = g_date_time_format(time, "%Y%m%dT%H%M%SZ");
  return std::string(kPrefix) + text + kSuffix;
}

std::optional<int64_t> backup_time(const std::string& name) {
  const std::string prefix = kPrefix, suffix = kSuffix;
  if (!name.starts_with(prefix) || !name.ends_with(suffix) ||
      name.size() <= prefix.size() + suffix.size())
    return {};
  const std::string text = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text.c_str(), nullptr);
  if (!time) return {};
  const int64_t seconds = g_date_time_to_unix(time);
  // Only in the one way that backup_name() writes it.
  return backup_name(seconds) == name ? std::optional(seconds) : std::nullopt;
}

std::vector<std::string> prune_backups(const std::string& folder, int keep_days, int64_t now_s) {
  std::map<int64_t, fs::path> backups;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::optional<int64_t> time = backup_time(at->path().filename().string());
    std::error_code ignored;
    if (time && !at->is_symlink(ignored) && at->is_regular_file(ignored))
      backups[*time] = at->path();
  }
  std::vector<std::string> removed;
  if (backups.empty()) return removed;
  backups.erase(std::prev(backups.end()));
  for (const auto& [time, path] : backups) {
    std::error_code ignored;
    if (now_s - time <= keep_days * kDayS || !is_ours(path.string())) continue;
    if (fs::remove(path, ignored)) removed.push_back(path.filename().string());
  }
  return removed;
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/file_owner.h"

#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace dragoman {
namespace {

namespace fs = std::filesystem;

bool set_groups(uid_t user, gid_t group) {
  const passwd* known = ::getpwuid(user);
  return known ? ::initgroups(known->pw_name, group) == 0 : ::setgroups(0, nullptr) == 0;
}

/// What is kept in a home, as ~/.pgpass, is sought where HOME says.
bool set_home(uid_t user) {
  const passwd* known = ::getpwuid(user);
  return known ? ::setenv("HOME", known->pw_dir, 1) == 0 : ::unsetenv("HOME") == 0;
}

bool give(const fs::path& path, const struct stat& owner) {
  return ::lchown(path.c_str(), owner.st_uid, owner.st_gid) == 0;
}

}  // namespace

void become_owner_of(const std::string& folder) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &info) != 0 || info.st_uid == 0) return;
  if (!set_groups(info.st_uid, info.st_gid) || ::setgid(info.st_gid) != 0 ||
      ::setuid(info.st_uid) != 0 || !set_home(info.st_uid))
    throw std::runtime_error("cannot become user " + std::to_string(info.st_uid) +
                             ", whose folder " + folder + " is: " + g_strerror(errno) +
                             "; run this as that user");
}

bool give_to_owner_of(const std::string& like, const std::string& path) {
  if (::geteuid() != 0) return true;
  fs::path from = like;
  struct stat owner {};
  while (::stat(from.c_str(), &owner) != 0 && from.has_relative_path()) from = from.parent_path();
  if (!give(path, owner)) return false;
  if (!fs::is_directory(fs::symlink_status(path))) return true;
  const fs::recursive_directory_iterator all(path);
  return std::all_of(begin(all), end(all), [&](const auto& each) { return give(each, owner); });
}

}  // namespace dragoman

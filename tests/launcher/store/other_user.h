// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of another user, and work done as one. Needs root.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace dragoman {

/// A user and a group that are not root's, and that need no name.
inline constexpr uid_t kOtherUser = 65534;
inline constexpr gid_t kOtherGroup = 65533;

inline void give_to_other_user(const std::string& folder) {
  ::chown(folder.c_str(), kOtherUser, kOtherGroup);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    ::lchown(entry.path().c_str(), kOtherUser, kOtherGroup);
}

/// What below `folder`, itself included, that user does not own.
inline std::vector<std::string> not_of_other_user(const std::string& folder) {
  std::vector<std::string> found;
  const auto look = [&found](const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return;
    if (info.st_uid != kOtherUser || info.st_gid != kOtherGroup) found.push_back(path);
  };
  look(folder);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    look(entry.path().string());
  return found;
}

/// The exit status of a child process in which `work` runs; -1 if it was killed.
template <typename Work>
int in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <typename Work>
int as_other_user(Work work) {
  return in_child([&work] {
    const bool done = ::setgid(kOtherGroup) == 0 && ::setuid(kOtherUser) == 0;
    return done ? work() : 99;
  });
}

}  // namespace dragoman

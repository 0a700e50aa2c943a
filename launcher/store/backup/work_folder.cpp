// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/work_folder.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "launcher/store/backup/manifest.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kSuffix[] = ".work", kLock[] = "/lock";

bool is_locked(const fs::path& folder) {
  const int lock = ::open((folder.string() + kLock).c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return false;
  const bool locked = ::flock(lock, LOCK_EX | LOCK_NB) != 0;
  ::close(lock);
  return locked;
}

}  // namespace

WorkFolder::WorkFolder(const std::string& parent, const std::string& name)
    : path_(parent + "/." + name + kSuffix) {
  if (g_mkdir(path_.c_str(), 0700) != 0)
    throw BackupError(path_ + ": " + g_strerror(errno) +
                      "; see that this user can write there and the disk has room");
  lock_ = ::open((path_ + kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const std::string why = g_strerror(errno);
    if (lock_ >= 0) ::close(lock_);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    throw BackupError(path_ + ": " + why);
  }
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(lock_);
  fs::remove_all(path_, ignored);  // NFS keeps a file that is open
}

int remove_left_work_folders(const std::string& parent, const std::string& prefix) {
  int removed = 0;
  std::error_code error;
  for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with("." + prefix) || !name.ends_with(kSuffix)) continue;
    if (at->is_symlink(ignored) || !at->is_directory(ignored) || is_locked(at->path())) continue;
    if (fs::remove_all(at->path(), ignored) > 0) ++removed;
  }
  return removed;
}

bool rename_to_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL) return false;
  if (::faccessat(AT_FDCWD, to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return false;
  }
  return errno == ENOENT && ::rename(from.c_str(), to.c_str()) == 0;
}

void sync_path(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const std::string why = g_strerror(errno);
  if (file >= 0) ::close(file);
  if (!synced) throw BackupError(path + ": " + why);
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/data_folder_lock.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "launcher/store/file_owner.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

bool is_file(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

DataFolderLock::DataFolderLock(const std::string& folder) {
  const std::string path = folder + "/launcher.lock";
  // Root works in other users' folders: a link there must not name the file that he empties.
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd_ < 0 ? errno == ELOOP : !is_file(fd_)) {
    if (fd_ >= 0) ::close(fd_);
    throw std::runtime_error(path + ": is a link or no file, and nobody but the launcher makes " +
                             "one there; see who did, and remove it");
  }
  if (fd_ < 0)
    throw std::runtime_error(path + ": " + g_strerror(errno) +
                             "; let this user write there, or name another folder with --data");
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = "";
    const ssize_t size = ::pread(fd_, owner, sizeof owner - 1, 0);
    owner[size > 0 ? size : 0] = '\0';
    ::close(fd_);
    throw std::runtime_error("another launcher (process " + log::printable(g_strstrip(owner)) +
                             ") uses the data folder " + folder +
                             "; stop it, or name another folder with --data");
  }
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_, 0) != 0 ||
      ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      !give_to_owner_of(folder, path))
    log::warning("store", path + ": " + g_strerror(errno));
}

DataFolderLock::~DataFolderLock() { ::close(fd_); }

}  // namespace dragoman

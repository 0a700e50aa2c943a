// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk that can be filled up.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace dragoman {

/// A disk that no other process sees.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const std::string& size) : path_(path) {
    if (!leave_namespace()) return;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  /// Until not a byte is free, or about `left` bytes are.
  void fill(size_t left = 0) {
    const int file = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (const size_t size : {size_t{65536}, size_t{4096}}) {
      const std::string block(size, 'x');
      while (free_bytes() > left && ::write(file, block.data(), block.size()) > 0) {
      }
    }
    ::close(file);
  }
  void make_room() { ::unlink(filler().c_str()); }

 private:
  /// Who is not root has a namespace of users besides, and stays who he is in it.
  static bool leave_namespace() {
    if (::unshare(CLONE_NEWNS) == 0) return true;
    const auto same = [](auto id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
    const std::string user = same(::geteuid()), group = same(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user;
    std::ofstream("/proc/self/gid_map") << group;
    return true;
  }
  size_t free_bytes() const {
    struct statvfs room {};
    return ::statvfs(path_.c_str(), &room) == 0 ? room.f_bavail * room.f_frsize : 0;
  }
  std::string filler() const { return path_ + "/filler"; }
  const std::string path_;
  bool mounted_ = false;
};

}  // namespace dragoman

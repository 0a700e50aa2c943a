// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a running launcher listens, and how to name a socket in a folder with a long path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace dragoman {

/// The socket in the launcher's data folder.
inline std::string control_path(const std::string& data_folder) { return data_folder + "/control"; }

/// A socket's address for bind() and connect(), also where the path is longer than an address takes
/// (108 bytes): it then goes through the open folder, so keep this object meanwhile.
class SocketPath {
 public:
  explicit SocketPath(const std::string& path);
  ~SocketPath();
  SocketPath(const SocketPath&) = delete;
  SocketPath& operator=(const SocketPath&) = delete;
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static constexpr socklen_t size() { return sizeof(sockaddr_un); }

 private:
  sockaddr_un address_{};
  int folder_ = -1;
};

}  // namespace dragoman

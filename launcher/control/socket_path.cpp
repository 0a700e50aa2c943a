// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/control/socket_path.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace dragoman {

SocketPath::SocketPath(const std::string& path) {
  address_.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address_.sun_path) {
    const size_t slash = path.rfind('/');
    folder_ = ::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    name = "/proc/self/fd/" + std::to_string(folder_) + path.substr(slash);
  }
  std::strncpy(address_.sun_path, name.c_str(), sizeof address_.sun_path - 1);
}

SocketPath::~SocketPath() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace dragoman

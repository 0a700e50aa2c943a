// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/control/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "launcher/control/socket_path.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr time_t kPatienceS = 10;
constexpr size_t kMaxAnswerBytes = 16 << 20;

class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{kPatienceS, 0};
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
      ::setsockopt(fd_, SOL_SOCKET, option, &patience, sizeof patience);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& path, int code) {
  if (code == EACCES || code == EPERM)
    throw std::runtime_error(path +
                             ": this user may not control the launcher; do it as the user "
                             "that runs 'dragoman serve', or as root");
  if (code == ENOENT || code == ECONNREFUSED)
    throw std::runtime_error("no launcher is running with the data folder of " + path +
                             "; start 'dragoman serve', or name its folder with --data");
  throw std::runtime_error(path + ": " + g_strerror(code) +
                           "; the launcher does not answer: see its log");
}

std::string exchange(const std::string& path, const std::string& line) {
  const SocketPath address(path);
  const Socket socket;
  if (::connect(socket.fd(), address.address(), address.size()) != 0) fail(path, errno);
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t size = ::send(socket.fd(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (size < 0) fail(path, errno);
    sent += static_cast<size_t>(size);
  }
  std::string answer;
  char buffer[8192];
  for (ssize_t size; (size = ::recv(socket.fd(), buffer, sizeof buffer, 0)) != 0;) {
    if (size < 0 || answer.size() > kMaxAnswerBytes) fail(path, size < 0 ? errno : EFBIG);
    answer.append(buffer, static_cast<size_t>(size));
  }
  return answer;
}

}  // namespace

json::NodePtr ask_launcher(const std::string& data_folder, const std::string& request) {
  const std::string path = control_path(data_folder);
  json::NodePtr node = json::parse(exchange(path, request + "\n"));
  JsonObject* answer = json::object(node.get());
  if (!answer) fail(path, EPROTO);
  JsonNode* ok = json_object_get_member(answer, "ok");
  if (ok && JSON_NODE_HOLDS_VALUE(ok) && json_node_get_boolean(ok)) return node;
  throw std::runtime_error(log::printable(json::text(answer, "error")));
}

}  // namespace dragoman

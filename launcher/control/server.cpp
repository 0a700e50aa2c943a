// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/control/server.h"

#include <gio/gio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <stdexcept>
#include <utility>

#include "launcher/ari/json.h"
#include "launcher/control/socket_path.h"
#include "launcher/util/json.h"
#include "launcher/util/timer.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

constexpr size_t kMaxRequestBytes = 64 * 1024;
constexpr size_t kMaxConnections = 16;
constexpr int kBacklog = 16;

/// A socket that listens at `path`, or an exception.
int listening_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const SocketPath address(path);
  ::unlink(path.c_str());
  // The mode is the socket's before it has a name: nobody else can connect in between.
  if (fd >= 0 && ::fchmod(fd, 0600) == 0 && ::bind(fd, address.address(), address.size()) == 0 &&
      ::listen(fd, kBacklog) == 0)
    return fd;
  const std::string why = g_strerror(errno);
  if (fd >= 0) ::close(fd);
  throw std::runtime_error("control socket " + path + ": " + why +
                           "; let this user write there, or name another folder with --data");
}

}  // namespace

std::string control_error(const std::string& text) {
  return "{\"ok\": false, \"error\": " + json_string(text) + "}";
}

/// One client: reads its line, has it handled, writes the answer.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Ended = std::function<void(Connection*)>;
  Connection(GSocketConnection* stream, const ControlServer::Handler& handler, Ended ended)
      : stream_(static_cast<GSocketConnection*>(g_object_ref(stream))),
        handler_(handler),
        ended_(std::move(ended)) {}
  ~Connection() { g_io_stream_close(G_IO_STREAM(stream_.get()), nullptr, nullptr); }

  void start(std::chrono::milliseconds patience) {
    timer_.start(static_cast<int>(patience.count()), [this] { end(); });
    read();
  }

  /// Also from outside: what is under way is cancelled.
  void end() {
    g_cancellable_cancel(cancel_.get());
    if (const Ended told = std::exchange(ended_, nullptr)) told(this);
  }

  void write(const std::string& line) {
    if (!ended_ || !out_.empty()) return;
    out_ = line + "\n";
    g_output_stream_write_all_async(
        g_io_stream_get_output_stream(G_IO_STREAM(stream_.get())), out_.data(), out_.size(),
        G_PRIORITY_DEFAULT, cancel_.get(),
        [](GObject* source, GAsyncResult* result, gpointer held) {
          g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, nullptr, nullptr);
          take(held)->end();
        },
        hold());
  }

 private:
  gpointer hold() { return new std::shared_ptr<Connection>(shared_from_this()); }
  static std::shared_ptr<Connection> take(gpointer held) {
    const std::unique_ptr<std::shared_ptr<Connection>> owner(
        static_cast<std::shared_ptr<Connection>*>(held));
    return *owner;
  }

  void read() {
    g_input_stream_read_async(
        g_io_stream_get_input_stream(G_IO_STREAM(stream_.get())), buffer_.data(), buffer_.size(),
        G_PRIORITY_DEFAULT, cancel_.get(),
        [](GObject* source, GAsyncResult* result, gpointer held) {
          const gssize size = g_input_stream_read_finish(G_INPUT_STREAM(source), result, nullptr);
          take(held)->after_read(size);
        },
        hold());
  }

  void after_read(gssize size) {
    if (!ended_) return;
    if (size <= 0) return end();
    in_.append(buffer_.data(), static_cast<size_t>(size));
    if (const size_t newline = in_.find('\n'); newline != std::string::npos)
      return handle(in_.substr(0, newline));
    if (in_.size() > kMaxRequestBytes) return write(control_error("the request is too long"));
    read();
  }

  void handle(const std::string& line) {
    const json::NodePtr node = json::parse(line);
    JsonObject* request = json::object(node.get());
    if (!request) return write(control_error("the request is not a JSON object on one line"));
    handler_(request, [weak = weak_from_this()](const std::string& answer) {
      if (const auto self = weak.lock()) self->write(answer);
    });
  }

  const GObjectPtr<GSocketConnection> stream_;
  const GObjectPtr<GCancellable> cancel_{g_cancellable_new()};
  const ControlServer::Handler& handler_;
  Ended ended_;  ///< empty once it was called
  std::array<char, 4096> buffer_{};
  std::string in_, out_;
  Timer timer_;
};

struct ControlServer::Impl {
  std::string path;
  Handler handler;
  std::chrono::milliseconds patience;
  GObjectPtr<GSocketService> service;
  std::set<std::shared_ptr<Connection>> connections;

  void accept(GSocketConnection* stream) {
    if (connections.size() >= kMaxConnections) return;
    const auto connection =
        std::make_shared<Connection>(stream, handler, [this](Connection* ended) { forget(ended); });
    connections.insert(connection);
    connection->start(patience);
  }
  void forget(Connection* ended) {
    std::erase_if(connections, [ended](const auto& held) { return held.get() == ended; });
  }
};

ControlServer::ControlServer(const std::string& path, Handler handler,
                             std::chrono::milliseconds patience)
    : impl_(std::make_shared<Impl>()) {
  impl_->path = path;
  impl_->handler = std::move(handler);
  impl_->patience = patience;
  const GObjectPtr<GSocket> socket(g_socket_new_from_fd(listening_socket(path), nullptr));
  impl_->service.reset(g_socket_service_new());
  g_socket_listener_add_socket(G_SOCKET_LISTENER(impl_->service.get()), socket.get(), nullptr,
                               nullptr);
  g_signal_connect(impl_->service.get(), "incoming",
                   G_CALLBACK(+[](GSocketService*, GSocketConnection* stream, GObject*,
                                  gpointer self) -> gboolean {
                     static_cast<Impl*>(self)->accept(stream);
                     return TRUE;
                   }),
                   impl_.get());
  g_socket_service_start(impl_->service.get());
}

ControlServer::~ControlServer() {
  g_signal_handlers_disconnect_by_data(impl_->service.get(), impl_.get());
  g_socket_service_stop(impl_->service.get());
  g_socket_listener_close(G_SOCKET_LISTENER(impl_->service.get()));
  for (const auto& connection : std::set(impl_->connections)) connection->end();
  ::unlink(impl_->path.c_str());
}

}  // namespace dragoman

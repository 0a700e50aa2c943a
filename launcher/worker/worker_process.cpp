// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/worker_process.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "launcher/worker/interface.h"

namespace dragoman {
namespace {

/// The end of the socket pair in the worker.
constexpr int kWorkerFd = 3;
/// A worker that does not answer for so long hangs, and is replaced.
constexpr int kCallTimeoutMs = 20'000;
constexpr guint kPingSeconds = 5;
/// How long a closed connection may outlive its process, and the other way round.
constexpr guint kEndPatienceMs = 1000;

}  // namespace

struct WorkerProcess::Impl : std::enable_shared_from_this<WorkerProcess::Impl> {
  WorkerProcessListener* listener = nullptr;  ///< null once nobody wants to hear
  GObjectPtr<GSubprocess> process;
  GObjectPtr<GDBusConnection> connection;
  GObjectPtr<GCancellable> cancel{g_cancellable_new()};
  pid_t pid = 0;
  bool gone = false, pinging = false, process_exited = false;
  guint subscription = 0, ping = 0, patience = 0;
  gulong closed_handler = 0;

  bool start(const std::string& program, const std::map<std::string, std::string>& environment,
             std::string& error);
  void connect(int fd);
  void connected(GDBusConnection* made, const char* error);
  void signal(const char* name, GVariant* arguments);
  void check_alive();
  void exited();
  void closed();
  void end_later();
  void finish();
  void close();
  /// Never hits another process: GLib knows whether ours is reaped.
  void send(int number) { g_subprocess_send_signal(process.get(), number); }

  /// Async operations hold the object through a pointer like this.
  gpointer hold() { return new std::shared_ptr<Impl>(shared_from_this()); }
  static std::shared_ptr<Impl> take(gpointer held) {
    const std::unique_ptr<std::shared_ptr<Impl>> owner(static_cast<std::shared_ptr<Impl>*>(held));
    return *owner;
  }
};

bool WorkerProcess::Impl::start(const std::string& program,
                                const std::map<std::string, std::string>& environment,
                                std::string& error) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    error = std::string("socketpair: ") + g_strerror(errno);
    return false;
  }
  const GObjectPtr<GSubprocessLauncher> launcher(
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE));
  g_subprocess_launcher_take_fd(launcher.get(), pair[1], kWorkerFd);
  for (const auto& [name, value] : environment) {
    g_subprocess_launcher_setenv(launcher.get(), name.c_str(), value.c_str(), TRUE);
  }
  const std::string option = "--fd=" + std::to_string(kWorkerFd);
  GError* raw_error = nullptr;
  process.reset(g_subprocess_launcher_spawn(launcher.get(), &raw_error, program.c_str(), "worker",
                                            option.c_str(), nullptr));
  const ErrorPtr spawn_error(raw_error);
  g_subprocess_launcher_close(launcher.get());
  if (!process) {
    ::close(pair[0]);
    error = spawn_error->message;
    return false;
  }
  pid = std::atoi(g_subprocess_get_identifier(process.get()));
  g_subprocess_wait_async(
      process.get(), nullptr,
      [](GObject* source, GAsyncResult* result, gpointer held) {
        g_subprocess_wait_finish(G_SUBPROCESS(source), result, nullptr);
        take(held)->exited();
      },
      hold());
  connect(pair[0]);
  return true;
}

void WorkerProcess::Impl::connect(int fd) {
  const GObjectPtr<GSocket> socket(g_socket_new_from_fd(fd, nullptr));
  const GObjectPtr<GSocketConnection> stream(
      g_socket_connection_factory_create_connection(socket.get()));
  g_dbus_connection_new(
      G_IO_STREAM(stream.get()), nullptr, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, nullptr,
      cancel.get(),
      [](GObject*, GAsyncResult* result, gpointer held) {
        GError* raw_error = nullptr;
        GDBusConnection* made = g_dbus_connection_new_finish(result, &raw_error);
        const ErrorPtr error(raw_error);
        take(held)->connected(made, error ? error->message : "");
      },
      hold());
}

void WorkerProcess::Impl::connected(GDBusConnection* made, const char* error) {
  connection.reset(made);
  if (gone || !listener) return close();
  if (!made) {
    g_warning("media worker %d cannot be talked to: %s", pid, error);
    send(SIGKILL);
    return;
  }
  subscription = g_dbus_connection_signal_subscribe(
      made, nullptr, kWorkerInterface, nullptr, kWorkerPath, nullptr, G_DBUS_SIGNAL_FLAGS_NONE,
      [](GDBusConnection*, const char*, const char*, const char*, const char* name,
         GVariant* arguments, gpointer self) {
        const auto keep = static_cast<Impl*>(self)->shared_from_this();
        keep->signal(name, arguments);
      },
      this, nullptr);
  closed_handler = g_signal_connect(
      made, "closed", G_CALLBACK(+[](GDBusConnection*, gboolean, GError*, gpointer self) {
        const auto keep = static_cast<Impl*>(self)->shared_from_this();
        keep->closed();
      }),
      this);
  ping = g_timeout_add_seconds(
      kPingSeconds,
      [](gpointer self) -> gboolean {
        static_cast<Impl*>(self)->check_alive();
        return G_SOURCE_CONTINUE;
      },
      this);
  listener->on_worker_ready();
}

void WorkerProcess::Impl::signal(const char* name, GVariant* arguments) {
  if (!listener || gone) return;
  const char *id = nullptr, *second = nullptr;
  if (!g_strcmp0(name, "Message")) {
    GVariant* fields = nullptr;
    g_variant_get(arguments, "(&s&s@a{sv})", &id, &second, &fields);
    listener->on_worker_message(id, second, fields);
    g_variant_unref(fields);
  } else if (!g_strcmp0(name, "Ended")) {
    const char* detail = nullptr;
    g_variant_get(arguments, "(&s&s&s)", &id, &second, &detail);
    listener->on_worker_ended(id, second, detail);
  }
}

void WorkerProcess::Impl::check_alive() {
  if (std::exchange(pinging, true)) return;
  g_dbus_connection_call(
      connection.get(), nullptr, kWorkerPath, kWorkerInterface, "List", nullptr, nullptr,
      G_DBUS_CALL_FLAGS_NONE, kCallTimeoutMs, cancel.get(),
      [](GObject* source, GAsyncResult* result, gpointer held) {
        const auto self = take(held);
        GError* raw_error = nullptr;
        GVariant* answer =
            g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &raw_error);
        const ErrorPtr error(raw_error);
        if (answer) g_variant_unref(answer);
        self->pinging = false;
        if (self->process_exited || !g_error_matches(error.get(), G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
          return;
        g_warning("media worker %d does not answer: killing it", self->pid);
        self->send(SIGKILL);
      },
      hold());
}

void WorkerProcess::Impl::exited() {
  process_exited = true;
  ::kill(-pid, SIGKILL);  // what it had started is in its process group
  // What it sent last may still be on its way; the connection's end comes after that.
  if (!connection || g_dbus_connection_is_closed(connection.get())) return finish();
  end_later();
}

void WorkerProcess::Impl::closed() {
  if (process_exited) return finish();
  end_later();
}

void WorkerProcess::Impl::end_later() {
  if (patience) return;
  patience = g_timeout_add(
      kEndPatienceMs,
      [](gpointer data) -> gboolean {
        const auto self = static_cast<Impl*>(data)->shared_from_this();
        self->patience = 0;
        if (self->process_exited) {
          self->finish();
        } else {
          self->send(SIGKILL);
        }
        return G_SOURCE_REMOVE;
      },
      this);
}

void WorkerProcess::Impl::finish() {
  if (std::exchange(gone, true)) return;
  close();
  const int status = g_subprocess_get_status(process.get());
  const std::string how = WIFSIGNALED(status)
                              ? "killed by signal " + std::to_string(WTERMSIG(status))
                              : "exit status " + std::to_string(WEXITSTATUS(status));
  if (WorkerProcessListener* told = std::exchange(listener, nullptr)) told->on_worker_gone(how);
}

void WorkerProcess::Impl::close() {
  g_cancellable_cancel(cancel.get());
  if (ping) g_source_remove(std::exchange(ping, 0));
  if (patience) g_source_remove(std::exchange(patience, 0));
  if (!connection) return;
  if (closed_handler)
    g_signal_handler_disconnect(connection.get(), std::exchange(closed_handler, 0));
  if (subscription)
    g_dbus_connection_signal_unsubscribe(connection.get(), std::exchange(subscription, 0));
  if (!g_dbus_connection_is_closed(connection.get())) {
    g_dbus_connection_close(connection.get(), nullptr, nullptr, nullptr);
  }
}

WorkerProcess::WorkerProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::unique_ptr<WorkerProcess> WorkerProcess::spawn(
    const std::string& program, const std::map<std::string, std::string>& environment,
    WorkerProcessListener& listener, std::string& error) {
  auto impl = std::make_shared<Impl>();
  impl->listener = &listener;
  if (!impl->start(program, environment, error)) return nullptr;
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(std::move(impl)));
}

WorkerProcess::~WorkerProcess() {
  impl_->listener = nullptr;
  impl_->close();
  kill();
}

bool WorkerProcess::ready() const { return impl_->connection && !impl_->gone; }

void WorkerProcess::call(const char* method, GVariant* arguments, Answer answer) {
  struct Call {
    std::shared_ptr<Impl> impl;
    Answer answer;
  };
  g_dbus_connection_call(
      impl_->connection.get(), nullptr, kWorkerPath, kWorkerInterface, method, arguments, nullptr,
      G_DBUS_CALL_FLAGS_NONE, kCallTimeoutMs, impl_->cancel.get(),
      [](GObject* source, GAsyncResult* result, gpointer data) {
        const std::unique_ptr<Call> call(static_cast<Call*>(data));
        GError* raw_error = nullptr;
        GVariant* value =
            g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &raw_error);
        const bool remote = raw_error && g_dbus_error_is_remote_error(raw_error) &&
                            !g_error_matches(raw_error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY);
        if (remote) g_dbus_error_strip_remote_error(raw_error);
        const ErrorPtr error(raw_error);
        if (call->answer && call->impl->listener) {
          call->answer(error ? error->message : "", error && !remote, value);
        }
        if (value) g_variant_unref(value);
      },
      new Call{impl_, std::move(answer)});
}

void WorkerProcess::terminate() { impl_->send(SIGTERM); }
void WorkerProcess::kill() { impl_->send(SIGKILL); }
GPid WorkerProcess::pid() const { return impl_->process_exited ? 0 : impl_->pid; }

bool WorkerProcess::wait(gint64 deadline) {
  GMainContext* context = g_main_context_new();
  g_main_context_push_thread_default(context);
  bool exited = false;
  g_subprocess_wait_async(
      impl_->process.get(), nullptr,
      [](GObject* source, GAsyncResult* result, gpointer done) {
        g_subprocess_wait_finish(G_SUBPROCESS(source), result, nullptr);
        *static_cast<bool*>(done) = true;
      },
      &exited);
  GSource* timer = g_timeout_source_new(20);
  g_source_set_callback(
      timer, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
  g_source_attach(timer, context);
  while (!exited && g_get_monotonic_time() < deadline) g_main_context_iteration(context, TRUE);
  if (!exited) {  // the answer must not come when `exited` is gone
    impl_->send(SIGKILL);
    while (!exited) g_main_context_iteration(context, TRUE);
    exited = false;
  }
  g_source_destroy(timer);
  g_source_unref(timer);
  g_main_context_pop_thread_default(context);
  g_main_context_unref(context);
  return exited;
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman worker`: a media worker, started by the launcher with one end of a socket pair.
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <gst/gst.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "launcher/command.h"
#include "launcher/pipeline/gstreamer_use.h"
#include "launcher/worker/commands.h"
#include "launcher/worker/media_worker.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

/// After this an end that does not come is not waited for; the launcher kills after 5 s.
constexpr guint kShutDownMs = 4500;

struct Process {
  std::unique_ptr<GMainLoop, Deleter<g_main_loop_unref>> loop{g_main_loop_new(nullptr, FALSE)};
  std::unique_ptr<MediaWorker> worker;
  bool ending = false;

  /// The launcher is gone or asks for the end.
  void end() {
    if (std::exchange(ending, true)) return;
    g_timeout_add(
        kShutDownMs, [](gpointer) -> gboolean { _exit(kExitFailed); }, nullptr);
    worker->shut_down([this] { g_main_loop_quit(loop.get()); });
  }
};

GObjectPtr<GDBusConnection> connect_launcher(int fd, GError** error) {
  fcntl(fd, F_SETFD, FD_CLOEXEC);  // the launcher must see the end of this process, not of a child
  const GObjectPtr<GSocket> socket(g_socket_new_from_fd(fd, error));
  if (!socket) return nullptr;
  const GObjectPtr<GSocketConnection> stream(
      g_socket_connection_factory_create_connection(socket.get()));
  const CharPtr guid(g_dbus_generate_guid());
  return GObjectPtr<GDBusConnection>(g_dbus_connection_new_sync(
      G_IO_STREAM(stream.get()), guid.get(),
      GDBusConnectionFlags(G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                           G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING),
      nullptr, nullptr, error));
}

/// Loads our families, so that the first call does not wait for it.
void load_families() {
  for (const char* element :
       {"ariudpsrc", "sttsink", "stationprobe", "webrtcdsp", "audioresample"}) {
    const GstObjectPtr<GstElementFactory> factory(gst_element_factory_find(element));
    if (!factory) continue;
    const GstObjectPtr<GstPluginFeature> loaded(
        gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory.get())));
  }
}

int serve(GDBusConnection* connection) {
  Process process;
  process.worker = std::make_unique<MediaWorker>(connection);
  const auto end = [](gpointer data) -> gboolean {
    static_cast<Process*>(data)->end();
    return G_SOURCE_CONTINUE;
  };
  g_unix_signal_add(SIGTERM, end, &process);
  g_signal_connect(connection, "closed",
                   G_CALLBACK(+[](GDBusConnection*, gboolean, GError*, gpointer data) {
                     static_cast<Process*>(data)->end();
                   }),
                   &process);
  g_dbus_connection_start_message_processing(connection);
  load_families();
  g_main_loop_run(process.loop.get());
  g_dbus_connection_flush_sync(connection, nullptr, nullptr);
  g_signal_handlers_disconnect_by_data(connection, &process);
  return kExitOk;
}

}  // namespace

int worker_command(int argc, char** argv) {
  const bool known = argc == 2 && !std::strncmp(argv[1], "--fd=", 5);
  if (!known) {
    std::fprintf(stderr, "usage: dragoman worker --fd=N\n\nStarted by 'dragoman serve'.\n");
    return kExitUsage;
  }
  setpgid(0, 0);  // a group of its own: a Ctrl-C at the launcher is the launcher's to handle
  GError* raw_error = nullptr;
  const auto connection = connect_launcher(std::atoi(argv[1] + 5), &raw_error);
  const ErrorPtr error(raw_error);
  if (!connection) {
    std::fprintf(stderr, "dragoman worker: no launcher at the other end: %s\n", error->message);
    return kExitFailed;
  }
  const GstreamerUse gstreamer;
  return serve(connection.get());
}

}  // namespace dragoman

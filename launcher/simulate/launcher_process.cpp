// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/launcher_process.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace dragoman {
namespace {

constexpr size_t kLastLines = 8;

void set_up_child(gpointer) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
}

gboolean keep_going(gpointer) { return G_SOURCE_CONTINUE; }

}  // namespace

LauncherProcess::LauncherProcess(const std::vector<std::string>& arguments,
                                 const std::map<std::string, std::string>& environment,
                                 std::string log_file)
    : log_file_(std::move(log_file)) {
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_subprocess_launcher_set_stdout_file_path(launcher, log_file_.c_str());
  g_subprocess_launcher_set_child_setup(launcher, set_up_child, nullptr, nullptr);
  for (const auto& [name, value] : environment) {
    g_subprocess_launcher_setenv(launcher, name.c_str(), value.c_str(), TRUE);
  }
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  g_autoptr(GError) error = nullptr;
  process_ = g_subprocess_launcher_spawnv(launcher, argv.data(), &error);
  if (!process_) throw std::runtime_error(std::string("cannot start it: ") + error->message);
  g_subprocess_wait_async(process_, nullptr, on_ended, this);
}

LauncherProcess::~LauncherProcess() {
  stop();
  g_object_unref(process_);
}

void LauncherProcess::on_ended(GObject* process, GAsyncResult* result, gpointer self) {
  g_subprocess_wait_finish(G_SUBPROCESS(process), result, nullptr);
  static_cast<LauncherProcess*>(self)->ended_ = true;
}

void LauncherProcess::stop(int patience_s) {
  if (ended_) return;
  g_subprocess_send_signal(process_, SIGTERM);
  if (wait(patience_s)) return;
  kill();
  while (!ended_) g_main_context_iteration(nullptr, TRUE);
}

void LauncherProcess::kill() {
  if (!ended_) g_subprocess_force_exit(process_);
}

bool LauncherProcess::wait(int seconds) {
  const gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
  const guint tick = g_timeout_add(100, keep_going, nullptr);
  while (!ended_ && g_get_monotonic_time() < end) g_main_context_iteration(nullptr, TRUE);
  g_source_remove(tick);
  return ended_;
}

std::string LauncherProcess::last_words() const {
  g_autofree char* text = nullptr;
  if (!g_file_get_contents(log_file_.c_str(), &text, nullptr, nullptr)) return {};
  std::string words = g_strstrip(text);
  size_t start = words.size();
  for (size_t line = 0; line < kLastLines && start != std::string::npos && start > 0; ++line) {
    start = words.rfind('\n', start - 1);
  }
  return start == std::string::npos ? words : words.substr(start ? start + 1 : 0);
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman serve` as a child process.
#pragma once

#include <gio/gio.h>

#include <map>
#include <string>
#include <vector>

namespace dragoman {

/// Runs a program in a process group of its own (so that a Ctrl-C at the terminal reaches only us)
/// that dies with us. Its output goes to a file. Main loop thread.
class LauncherProcess {
 public:
  /// Throws std::runtime_error if it cannot be started.
  LauncherProcess(const std::vector<std::string>& arguments,
                  const std::map<std::string, std::string>& environment, std::string log_file);
  ~LauncherProcess();  ///< stop()
  LauncherProcess(const LauncherProcess&) = delete;
  LauncherProcess& operator=(const LauncherProcess&) = delete;

  bool is_running() const { return !ended_; }
  /// SIGTERM, after `patience_s` SIGKILL; runs the main loop until it has ended.
  void stop(int patience_s = 15);
  /// SIGKILL, without waiting.
  void kill();
  /// The last lines that it wrote.
  std::string last_words() const;

 private:
  static void on_ended(GObject* process, GAsyncResult* result, gpointer self);
  bool wait(int seconds);

  const std::string log_file_;
  GSubprocess* process_ = nullptr;
  bool ended_ = false;
};

}  // namespace dragoman

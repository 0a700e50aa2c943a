// SPDX-License-Identifier: LGPL-2.1-or-later
// A one-shot timer of the default main context that stops when it is destroyed.
#pragma once

#include <glib.h>

#include <functional>

namespace dragoman {

class Timer {
 public:
  Timer() = default;
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Calls `action` once in `ms` milliseconds, from the main loop. Replaces what was set before.
  void start(int ms, std::function<void()> action) {
    stop();
    action_ = std::move(action);
    source_ = g_timeout_add(static_cast<guint>(ms), fire, this);
  }
  void stop() {
    if (source_) g_source_remove(source_);
    source_ = 0;
  }
  bool running() const { return source_ != 0; }

 private:
  static gboolean fire(gpointer data) {
    auto* self = static_cast<Timer*>(data);
    self->source_ = 0;
    const auto action = std::move(self->action_);  // which may start or destroy the timer
    action();
    return G_SOURCE_REMOVE;
  }

  guint source_ = 0;
  std::function<void()> action_;
};

}  // namespace dragoman

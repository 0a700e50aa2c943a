// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting in a test without sleeping: the main loop runs until a condition holds or its deadline
// passes.
#pragma once

#include <glib.h>

namespace dragoman::fakes {

/// Runs the default main context until `done()`; false if that took longer than `patience_ms`.
template <typename Done>
bool wait_until(Done&& done, int patience_ms = 5000) {
  const gint64 end = g_get_monotonic_time() + gint64{patience_ms} * 1000;
  // The timer only wakes the loop so that the deadline is seen.
  const guint tick = g_timeout_add(
      20, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr);
  while (!done() && g_get_monotonic_time() < end) g_main_context_iteration(nullptr, TRUE);
  g_source_remove(tick);
  return done();
}

/// Runs what is ready, and what becomes ready within `ms`.
inline void run_for(int ms) {
  wait_until([] { return false; }, ms);
}

}  // namespace dragoman::fakes

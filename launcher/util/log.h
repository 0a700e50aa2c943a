// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's log: g_log_structured() to stderr, filtered by level, never blocking the main
// loop.
#pragma once

#include <glib.h>

#include <string>
#include <string_view>

namespace dragoman::log {

/// Installs the writer. verbosity 0: warnings and notices; 1: also info; 2: also debug. Once,
/// before anything logs.
void start(int verbosity);

/// One line at a level, under the domain "dragoman". `topic` (ARI's "ari", "calls", …) goes along
/// as the field DRAGOMAN_TOPIC. Any thread.
void write(GLogLevelFlags level, std::string_view topic, const std::string& text);

inline void error(std::string_view topic, const std::string& text) {
  write(G_LOG_LEVEL_CRITICAL, topic, text);
}
inline void warning(std::string_view topic, const std::string& text) {
  write(G_LOG_LEVEL_WARNING, topic, text);
}
inline void notice(std::string_view topic, const std::string& text) {
  write(G_LOG_LEVEL_MESSAGE, topic, text);
}
inline void info(std::string_view topic, const std::string& text) {
  write(G_LOG_LEVEL_INFO, topic, text);
}
inline void debug(std::string_view topic, const std::string& text) {
  write(G_LOG_LEVEL_DEBUG, topic, text);
}

/// `text` fit for one line of a terminal: control characters become spaces, invalid UTF-8 the
/// replacement character, what exceeds `max_bytes` is cut.
std::string printable(std::string_view text, size_t max_bytes = 2000);

/// Writes `line` and a newline to `fd` if that can be done without waiting; else drops it and
/// returns false.
bool write_line_unless_blocked(int fd, std::string line);

}  // namespace dragoman::log

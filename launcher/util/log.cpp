// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace dragoman::log {
namespace {

std::atomic<int> verbosity_level = 0;
/// A pipe that polls writable takes this much without blocking (PIPE_BUF on Linux).
constexpr size_t kLineLimit = 4096;

const char* level_name(GLogLevelFlags level) {
  switch (level & G_LOG_LEVEL_MASK) {
    case G_LOG_LEVEL_ERROR:
    case G_LOG_LEVEL_CRITICAL:
      return "error";
    case G_LOG_LEVEL_WARNING:
      return "warning";
    case G_LOG_LEVEL_MESSAGE:
      return "notice";
    case G_LOG_LEVEL_INFO:
      return "info";
    default:
      return "debug";
  }
}

bool wanted(GLogLevelFlags level) {
  const int verbosity = verbosity_level;
  switch (level & G_LOG_LEVEL_MASK) {
    case G_LOG_LEVEL_INFO:
      return verbosity >= 1;
    case G_LOG_LEVEL_DEBUG:
      return verbosity >= 2;
    default:
      return true;
  }
}

std::string field(const GLogField* fields, gsize count, const char* key) {
  for (gsize i = 0; i < count; ++i) {
    if (std::strcmp(fields[i].key, key) != 0 || !fields[i].value) continue;
    const auto* value = static_cast<const char*>(fields[i].value);
    return fields[i].length < 0 ? std::string(value) : std::string(value, fields[i].length);
  }
  return {};
}

GLogWriterOutput write_record(GLogLevelFlags level, const GLogField* fields, gsize count,
                              gpointer) {
  if (!wanted(level)) return G_LOG_WRITER_HANDLED;
  std::string topic = field(fields, count, "DRAGOMAN_TOPIC");
  if (topic.empty()) topic = field(fields, count, "GLIB_DOMAIN");
  g_autoptr(GDateTime) now = g_date_time_new_now_local();
  g_autofree char* time = g_date_time_format(now, "%H:%M:%S");
  char milliseconds[8];
  g_snprintf(milliseconds, sizeof milliseconds, ".%03d", g_date_time_get_microsecond(now) / 1000);
  write_line_unless_blocked(STDERR_FILENO, std::string(time) + milliseconds + " " +
                                               level_name(level) + " " + topic + ": " +
                                               printable(field(fields, count, "MESSAGE")));
  return G_LOG_WRITER_HANDLED;
}

}  // namespace

void start(int verbosity) {
  verbosity_level = verbosity;
  g_log_set_writer_func(write_record, nullptr, nullptr);
}

void write(GLogLevelFlags level, std::string_view topic, const std::string& text) {
  // Not g_log_structured(): G_LOG_LEVEL_CRITICAL would abort under G_DEBUG=fatal-criticals there.
  const std::string topic_text(topic);
  const GLogField fields[] = {{"MESSAGE", text.c_str(), -1},
                              {"PRIORITY",
                               level == G_LOG_LEVEL_CRITICAL  ? "3"
                               : level == G_LOG_LEVEL_WARNING ? "4"
                               : level == G_LOG_LEVEL_MESSAGE ? "5"
                               : level == G_LOG_LEVEL_INFO    ? "6"
                                                              : "7",
                               -1},
                              {"GLIB_DOMAIN", "dragoman", -1},
                              {"DRAGOMAN_TOPIC", topic_text.c_str(), -1}};
  g_log_structured_array(level, fields, G_N_ELEMENTS(fields));
}

std::string printable(std::string_view text, size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  g_autofree char* valid =
      g_utf8_make_valid(text.data(), static_cast<gssize>(cut ? max_bytes : text.size()));
  std::string result;
  for (const char* at = valid; *at; at = g_utf8_next_char(at)) {
    const gunichar character = g_utf8_get_char(at);
    if (g_unichar_iscntrl(character)) {
      result += ' ';
    } else {
      result.append(at, g_utf8_next_char(at) - at);
    }
  }
  if (cut) result += "…";
  return result;
}

bool write_line_unless_blocked(int fd, std::string line) {
  if (line.size() >= kLineLimit) line.resize(kLineLimit - 1);
  line += '\n';
  pollfd ready = {fd, POLLOUT, 0};
  if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT)) return false;
  return ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace dragoman::log

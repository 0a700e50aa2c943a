// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/reporter.h"

#include "launcher/calls/fields.h"
#include "launcher/calls/names.h"
#include "launcher/util/log.h"
#include "plugins/common/messages.h"

namespace dragoman {
namespace {

std::string format(const char* pattern, double value) {
  char text[64];
  g_snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string who(const Session& session) {
  return session.call().route.extension + " (" + session.call().route.language + ")";
}

std::string quoted(const std::string& text) { return "\"" + log::printable(text, 1000) + "\""; }

}  // namespace

void Reporter::line(const std::string& text) {
  g_autoptr(GDateTime) now = g_date_time_new_now_local();
  g_autofree char* time = g_date_time_format(now, "%H:%M:%S");
  write_(std::string(time) + "  " + text);
}

void Reporter::ready(const std::string& extensions) { line("ready  for " + extensions); }

void Reporter::started(const Session& session) {
  line("call   " + who(session) + " from " + log::printable(session.call().caller, 64) +
       ", trace " + session.call().trace_id);
}

void Reporter::joined(const Session& session) {
  line("paired " + who(session) + " with " + session.call().route.partner + ", trace " +
       session.call().trace_id);
}

void Reporter::up(const Session& session) {
  line("up     " + who(session) + format(", set up in %.0f ms", session.times().up_ms));
}

void Reporter::media_started(const Session& session) {
  const Session::Times& times = session.times();
  line("media  " + who(session) +
       format(", first audio %.0f ms after pick-up", times.first_media_ms - times.answered_ms));
}

void Reporter::refused(const std::string& extension, const std::string& why) {
  line("refused a call to " + log::printable(extension, 64) + ": " + why);
}

void Reporter::ended(const Session& session) {
  line("ended  " + who(session) + format(" after %.1f s: ", session.age_ms() / 1000) +
       session.end_reason());
}

void Reporter::message(const Session& session, const std::string& name, GVariant* variant) {
  const Fields fields(variant);
  const Session::Call& call = session.call();
  if (name == messages::kSpoken) {
    const std::string speaker = names::extension_of(call.trace_id, fields.text("channel"));
    line("said   " + speaker + " " + fields.text("source-language") + " " +
         quoted(fields.text("source-text")) + " → " + call.route.extension + " " +
         fields.text("language") + " " + quoted(fields.text("text")) +
         format(", %.2f s after", fields.number("delay-ms").value_or(0) / 1000));
  } else if (name == messages::kTranscript && fields.flag("is-final")) {
    line("heard  " + call.route.extension + " " + fields.text("language") + " " +
         quoted(fields.text("text")));
  } else if (name == messages::kProviderError) {
    const std::string next = fields.text("next");
    line("trouble " + fields.text("provider") + " (" + fields.text("kind") +
         "): " + log::printable(fields.text("error"), 500) +
         (next.empty() ? "" : "; " + next + " takes over"));
  } else if (name == messages::kWarning) {
    line("trouble " + who(session) + " " + fields.text("element") + ": " +
         log::printable(fields.text("text"), 500));
  }
}

void Reporter::worker_restarted(size_t calls) {
  line("trouble: the media worker died; a new one carries on with " + std::to_string(calls) +
       (calls == 1 ? " call" : " calls"));
}

}  // namespace dragoman

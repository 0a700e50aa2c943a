// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens, for a person at the terminal: one line an event. Main loop thread only.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <string>

#include "launcher/calls/session.h"

namespace dragoman {

class Reporter {
 public:
  using Write = std::function<void(const std::string& line)>;
  explicit Reporter(Write write) : write_(std::move(write)) {}

  /// Every pipeline has been played once; calls are served from the first moment.
  void ready(const std::string& extensions);
  void started(const Session& session);
  void joined(const Session& session);
  /// The caller is heard and hears: how long it took.
  void up(const Session& session);
  void media_started(const Session& session);
  void refused(const std::string& extension, const std::string& why);
  void ended(const Session& session);
  /// A pipeline message of `session`; those about utterances make a line.
  void message(const Session& session, const std::string& name, GVariant* fields);
  void worker_restarted(size_t calls);

 private:
  void line(const std::string& text);
  Write write_;
};

}  // namespace dragoman

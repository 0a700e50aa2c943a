// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's control socket: one request, a JSON object on one line, one answer of the same
// form, and the connection ends. Main loop thread only.
#pragma once

#include <json-glib/json-glib.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace dragoman {

class ControlServer {
 public:
  /// `line`: a JSON object without line break. Called once, then or later.
  using Reply = std::function<void(const std::string& line)>;
  using Handler = std::function<void(JsonObject* request, Reply reply)>;

  /// Listens at `path`, for this user only (mode 0600); a socket left there by a launcher that was
  /// killed is replaced. Throws std::runtime_error with the cure. A request has at most 64 KiB and
  /// with its answer `patience`; at most 16 are served at a time, more are turned away.
  ControlServer(const std::string& path, Handler handler,
                std::chrono::milliseconds patience = std::chrono::seconds(10));
  ~ControlServer();  ///< removes the socket
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// {"ok": false, "error": "…"}
std::string control_error(const std::string& text);

}  // namespace dragoman

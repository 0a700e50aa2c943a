// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays one pipeline and tells what becomes of it.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <memory>
#include <string>

#include "plugins/common/handles.h"

namespace dragoman {

/// Called on the thread of the default main context.
class PlayerListener {
 public:
  virtual ~PlayerListener() = default;
  /// It plays.
  virtual void on_playing() = 0;
  /// An element message; `message` is borrowed for the call.
  virtual void on_element_message(GstMessage* message) = 0;
  virtual void on_warning(const std::string& element, const std::string& text) = 0;
  /// The pipeline is in state NULL, after its last message. The player may be destroyed in it.
  /// reason: "eos", "stopped", "error" with `detail` for the user.
  virtual void on_ended(const std::string& reason, const std::string& detail) = 0;
};

/// State changes, which may block, run on a helper thread; the rest on the default main context's.
class Player {
 public:
  Player(GstObjectPtr<GstElement> pipeline, PlayerListener& listener);
  /// Sets the pipeline to NULL, waiting for it, unless it has ended.
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  void play();
  /// Sends EOS; when it does not come through within `patience` the pipeline is stopped without.
  void stop(std::chrono::milliseconds patience);
  GstElement* pipeline() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Text and cure of an error or warning message, for a person.
std::string text_of_error(GstMessage* message);

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// The process's one copy of the offline engine: library, models, decoding threads.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "plugins/speech/providers/stt/recognizer.h"

namespace dragoman::sherpa {

/// What a stream needs, or why it cannot have it.
struct Loaded {
  std::unique_ptr<stt::VoiceDetector> detector;
  std::unique_ptr<stt::Recognizer> recognizer;
  std::string error;  ///< empty: both are there
};

/// A load under way. Destroying it waits until its function has returned, or prevents the call.
class Load {
 public:
  virtual ~Load() = default;
};

/// Loads the model of `language` from `folder` unless the process has it already, on a thread of
/// its own, and calls `done` there. Models stay until the process ends: calls come and go, loading
/// takes more than a second. Any thread.
[[nodiscard]] std::unique_ptr<Load> load(const std::filesystem::path& folder,
                                         const std::string& language,
                                         std::function<void(Loaded)> done);

}  // namespace dragoman::sherpa

// SPDX-License-Identifier: LGPL-2.1-or-later
// What an engine that hears whole clips must offer to become a stream of clauses.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace dragoman::stt {

/// Order in which decodes are served.
enum class Urgency {
  kFinal,        ///< the text of a closed segment
  kSpeculative,  ///< of one that seems to have ended
  kPartial,      ///< of one that goes on
};

struct Decoded {
  std::string text;
  double decode_ms = 0;  ///< computing time
};

/// Turns clips into text. One owner's.
class Recognizer {
 public:
  /// Destroying it drops what waits and waits for what runs.
  virtual ~Recognizer() = default;
  /// Decodes `audio` (16 kHz, ±1); `done` is called on some thread.
  virtual void decode(std::vector<float> audio, Urgency urgency,
                      std::function<void(Decoded)> done) = 0;
};

/// Says of each frame of kFrame samples (16 kHz, ±1) whether it is speech.
class VoiceDetector {
 public:
  virtual ~VoiceDetector() = default;
  virtual bool accept(std::span<const float> frame) = 0;
};

}  // namespace dragoman::stt

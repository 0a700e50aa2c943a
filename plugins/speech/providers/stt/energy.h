// SPDX-License-Identifier: LGPL-2.1-or-later
// Level of audio, and its quiet places.
#pragma once

#include <cstddef>
#include <span>

namespace dragoman::stt {

/// RMS level in dBFS where a full-scale square wave is 0; -100 for silence.
double level_dbfs(std::span<const float> samples);

/// Sample in the middle of the quietest `window` samples of [from, to); the later of equals. The
/// middle of the range if it is shorter.
size_t quietest_place(std::span<const float> samples, size_t from, size_t to, size_t window);

/// End of the sound in [0, to): the last sample after which all is at least 30 dB under the loudest
/// of the last second.
size_t end_of_sound(std::span<const float> samples, size_t to);

/// Tells frames that are far quieter than the speech around them. A voice detector may call them
/// speech for half a second more; noise keeps the gate open, and leaves the decision to the
/// detector.
class EnergyGate {
 public:
  /// Whether the frame (32 ms) may hold speech.
  bool accept(std::span<const float> frame);

 private:
  double loudest_dbfs_ = -100;  // sinks slowly
};

}  // namespace dragoman::stt

// SPDX-License-Identifier: LGPL-2.1-or-later
// Talk spurts and the pauses between them.
#pragma once

#include <optional>

namespace dragoman {

/// A pause shorter than this does not end a talk spurt: as in ITU-T P.59, and as the
/// hangover of P.56 method B.
inline constexpr double kShortestPauseMs = 200;

/// Joins active frames to talk spurts. A spurt ends with the last active frame before a pause of at
/// least 200 ms, so its end is known 200 ms later; a pause is what lies between two spurts, known
/// when the second begins. Spurts and pauses go on over the ends of buckets; a hole in the stream
/// is a pause if nothing is heard for 200 ms, but one without a length: what was said in it is
/// unknown. One thread.
class TalkSpurts {
 public:
  struct Event {
    bool started = false;            ///< a spurt began with this frame
    std::optional<double> spurt_ms;  ///< length of the spurt whose end is now known
    std::optional<double> pause_ms;  ///< length of the pause that this frame ended
  };

  /// The next frame, `ms` long.
  Event frame(bool active, double ms);
  /// `ms` are missing: length of the spurt that this ends, if any.
  std::optional<double> hole(double ms);
  void reset() { *this = {}; }

 private:
  std::optional<double> silent(double ms);

  bool talking_ = false, talked_ = false;
  bool hole_ = false;  ///< in the silence
  double spurt_ms_ = 0, silence_ms_ = 0;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// How fast to speak, so that a speaker who fell behind catches up.
#pragma once

#include <string_view>

namespace dragoman {

/// Estimates how long a text will take to say, from those said before.
class SpeechPace {
 public:
  /// Code points in a UTF-8 text.
  static unsigned characters(std::string_view text);

  /// Seconds that `characters` take at the normal rate.
  double seconds(unsigned characters) const { return characters * seconds_per_character_; }

  /// `characters`, said at `rate`, took `seconds`.
  void learn(unsigned characters, double seconds, double rate);

  /// The factor on the speaking rate for a backlog of `backlog` seconds: 1 up to half a second,
  /// `most` from one and a half, in between in proportion.
  static double speed_up(double backlog, double most);

 private:
  double seconds_per_character_ = 0.06;
};

}  // namespace dragoman

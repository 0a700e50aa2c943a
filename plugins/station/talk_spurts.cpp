// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/talk_spurts.h"

namespace dragoman {

/// The spurt that ends, if the silence is long enough by now.
std::optional<double> TalkSpurts::silent(double ms) {
  silence_ms_ += ms;
  // A microsecond for the sums of frames that are no binary fraction of a millisecond.
  if (!talking_ || silence_ms_ < kShortestPauseMs - 1e-3) return std::nullopt;
  talking_ = false;
  return spurt_ms_;
}

TalkSpurts::Event TalkSpurts::frame(bool active, double ms) {
  Event event;
  if (!active) {
    event.spurt_ms = silent(ms);
    return event;
  }
  if (talking_) {
    spurt_ms_ += silence_ms_;  // too short to be a pause
  } else {
    event.started = true;
    if (talked_ && !hole_) event.pause_ms = silence_ms_;
    spurt_ms_ = 0;
  }
  talking_ = talked_ = true;
  hole_ = false;
  spurt_ms_ += ms;
  silence_ms_ = 0;
  return event;
}

std::optional<double> TalkSpurts::hole(double ms) {
  hole_ = true;
  return silent(ms);
}

}  // namespace dragoman

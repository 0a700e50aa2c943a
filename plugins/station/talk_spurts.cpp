// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/talk_spurts.h"

namespace dragoman {

TalkSpurts::Event TalkSpurts::frame(bool active, double ms) {
  Event event;
  if (active) {
    if (talking_) {
      spurt_ms_ += silence_ms_;  // too short to be a pause
    } else {
      event.started = true;
      if (talked_) event.pause_ms = silence_ms_;
      spurt_ms_ = 0;
    }
    talking_ = talked_ = true;
    spurt_ms_ += ms;
    silence_ms_ = 0;
    return event;
  }
  silence_ms_ += ms;
  // A microsecond for the sums of frames that are no binary fraction of a millisecond.
  if (talking_ && silence_ms_ >= kShortestPauseMs - 1e-3) {
    event.spurt_ms = spurt_ms_;
    talking_ = false;
  }
  return event;
}

}  // namespace dragoman

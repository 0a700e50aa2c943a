// SPDX-License-Identifier: LGPL-2.1-or-later
// How often both parties of a call speak at once.
#pragma once

#include <cstdint>

#include "plugins/station/bucket_board.h"
#include "plugins/station/tap_log.h"

namespace dragoman {

/// double_talk_ratio: for each 20 ms (counted from 1970) of which both taps know whether somebody
/// speaks, 1 if in both, else 0. What the other tap knows later counts later, up to 10 s. Allocates
/// nothing. One thread.
class DoubleTalkMeter {
 public:
  /// Takes what both taps know by now; at least once in five seconds.
  void compare(const TapLog& own, const TapLog& other, BucketBoard& board);
  void reset() { next_ = 0; }

 private:
  uint64_t next_ = 0;  ///< number of the next 20 ms
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// How late the echo of what a speaker hears comes back in what he says.
#pragma once

#include <cstdint>
#include <span>

#include "plugins/station/decimator.h"
#include "plugins/station/lag_tracker.h"
#include "plugins/station/tap_log.h"

namespace dragoman {

/// Delays up to 500 ms are searched with LagFinder once a second of audio. webrtcdsp's canceller
/// finds an echo only within some 50 ms of where it is told to look (measured: 60 ms late it takes
/// out 15 dB of a voice, 120 ms late 4 dB, 30 ms late 70 dB), and a telephone's comes later. The
/// far end is told of by one thread, the near one by another; times are running times, ns.
class EchoPath {
 public:
  /// Both of this rate and number of channels; before any audio. Forgets what it knows.
  void set_far_format(int rate, int channels);
  void set_near_format(int rate, int channels);

  void hear_far(std::span<const int16_t> samples, uint64_t end_ns);
  void hear_near(std::span<const int16_t> samples, uint64_t end_ns);

  /// How long the far end is to be held back so that it meets its echo, ms: the delay, less a
  /// margin, as the canceller must have it before the echo comes. Changes only where the delay has
  /// by more than the canceller follows by itself. The near thread's.
  int hold_ms() const { return hold_ms_; }

 private:
  static constexpr int kMarginMs = 10, kSteadyMs = 15;

  static void append(Decimator& decimator, TapLog& log, size_t channels,
                     std::span<const int16_t> samples, uint64_t end_ns);
  void update();

  Decimator far_decimator_, near_decimator_;
  TapLog far_, near_;
  size_t far_channels_ = 1, near_channels_ = 1;
  LagTracker lag_{0, 0.5, 1.0, 0.15};
  uint64_t next_update_ns_ = 0;
  int hold_ms_ = 0;
};

}  // namespace dragoman

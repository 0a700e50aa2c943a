// SPDX-License-Identifier: LGPL-2.1-or-later
// By how much one recording is behind another.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "launcher/measure/recording.h"
#include "plugins/station/decimator.h"
#include "plugins/station/lag_tracker.h"
#include "plugins/station/tap_log.h"

namespace dragoman {

/// Compares the content of two recordings once a second (LagTracker, as a station's taps are
/// compared), up to 4 s apart. One thread.
class PairDelay {
 public:
  /// Both have one rate.
  PairDelay(const RecordingFormat& pre, const RecordingFormat& post);

  /// The next samples of PRE (0) or POST (1), interleaved, a second at most; as many of both in
  /// turn.
  void add(size_t which, std::span<const uint8_t> samples);

  /// POST's content after PRE's, in ms (negative: before it): the median of all comparisons that
  /// found one; nothing if none did.
  std::optional<double> delay_ms() const;

 private:
  struct Side {
    RecordingFormat format;
    Decimator decimator;
    TapLog log;
    uint64_t frames = 0;
  };

  void compare();

  std::array<Side, 2> sides_;
  LagTracker tracker_;
  uint64_t compared_s_ = 0;
  std::vector<int64_t> lags_ns_;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// How long a sample takes from one tap of a station to the other.
#pragma once

#include <array>
#include <cstdint>

#include "plugins/station/bucket_board.h"
#include "plugins/station/lag_tracker.h"
#include "plugins/station/percentile.h"
#include "plugins/station/tap_log.h"

namespace dragoman {

/// processing_latency_ms and processing_latency_p95_ms. Two parts, added: how long audio of one
/// timestamp waits (the monotonic clock as its buffer reaches POST less as it reached PRE), and by
/// how much the content at POST is behind its timestamps (a DSP that keeps the timestamps and holds
/// audio back: found by cross-correlation, LagFinder, once a second while there is sound). So
/// elements that shift timestamps instead come out right too. Readings are means over 10 ms of
/// audio or more. They wait for the lag up to five seconds or the bucket's end; one that is not
/// known by then counts as none (a tone, silence). They may err to both sides: near zero some are
/// slightly negative, so that their mean is true. Allocates in set_rate() only. One thread.
class DelayMeter {
 public:
  void set_rate(int rate) { lag_.set_rate(rate); }

  /// POST's audio from `begin_utc` to `end_utc` arrived at `wall_ns` of the monotonic clock.
  void passed(const TapLog& pre, uint64_t begin_utc, uint64_t end_utc, uint64_t wall_ns,
              BucketBoard& board);

  /// Once a second.
  void follow_lag(const TapLog& pre, const TapLog& post) { lag_.update(pre, post); }

  void end_bucket(BucketBoard& board);
  void reset();

  /// POST's content behind PRE's of the same timestamp, ns; nothing while not known.
  std::optional<int64_t> lag_ns() const { return lag_.lag_ns(); }

 private:
  void report(BucketBoard& board);

  static constexpr double kMinLagS = -0.1, kMaxLagS = 0.5, kWindowS = 1.0;
  static constexpr double kLeastCorrelation = 0.35;

  LagTracker lag_{kMinLagS, kMaxLagS, kWindowS, kLeastCorrelation};
  Percentile latencies_;
  double waited_ = 0, weight_ = 0;  ///< ns times ns, ns
  std::array<double, 500> early_;   ///< readings without the lag, ns
  size_t early_count_ = 0;
};

}  // namespace dragoman

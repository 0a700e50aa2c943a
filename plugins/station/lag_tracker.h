// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows by how much one tap's audio lags behind another's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plugins/station/lag_finder.h"
#include "plugins/station/tap_log.h"

namespace dragoman {

/// update() once a second keeps the lag: it is confirmed cheaply, and searched anew where it fits
/// no longer, or clearly worse than when last searched (what is periodic, as hum, fits somewhat at
/// any lag), and in any case every 4th time: then another lag counts if it fits much better.
/// Searches that find nothing become rarer, down to one in 4 updates. While there is nothing to
/// hear, or nothing convincing, the last lag stays. Allocates in set_rate() only. One thread.
class LagTracker {
 public:
  /// As LagFinder's.
  LagTracker(double min_s, double max_s, double window_s, double least);

  void set_rate(int rate);

  /// Compares the newest audio that both taps have; they must be of this tracker's rate.
  void update(const TapLog& reference, const TapLog& window);

  /// Time of the window's content less time of the same content in the reference, ns.
  std::optional<int64_t> lag_ns() const { return lag_; }

  /// Whether the last update() found or confirmed it.
  bool fresh() const { return fresh_; }

  void reset();

 private:
  bool copy(const TapLog& reference, const TapLog& window);

  double min_s_, max_s_;
  int rate_ = 8000;
  LagFinder finder_;
  std::vector<float> reference_, window_;
  std::optional<int64_t> lag_;
  bool fresh_ = false;
  double correlation_ = 0;  ///< when last searched
  unsigned failures_ = 0, wait_ = 0, trusted_ = 0;
};

}  // namespace dragoman

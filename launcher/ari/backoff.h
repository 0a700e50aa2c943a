// SPDX-License-Identifier: LGPL-2.1-or-later
// Waits between attempts: doubling, with jitter, bounded.
#pragma once

#include <algorithm>
#include <functional>

namespace dragoman {

class Backoff {
 public:
  /// `random` gives 0 … 1. Waits in milliseconds.
  Backoff(int first_ms, int last_ms, std::function<double()> random)
      : first_ms_(first_ms), last_ms_(last_ms), random_(std::move(random)) {}

  /// The next wait: the step (first, twice that, … last) less up to half of it.
  int next_ms() {
    const int step = step_ms_ ? std::min(step_ms_ * 2, last_ms_) : first_ms_;
    step_ms_ = step;
    return static_cast<int>(step * (1 - random_() / 2));
  }
  void reset() { step_ms_ = 0; }

 private:
  int first_ms_, last_ms_, step_ms_ = 0;
  std::function<double()> random_;
};

}  // namespace dragoman

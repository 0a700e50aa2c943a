// SPDX-License-Identifier: LGPL-2.1-or-later
// How often the signal changes its sign.
#pragma once

#include "plugins/station/meter.h"

namespace dragoman {

/// zero_crossing_rate: changes of sign per second of the mean of the channels, a reading of each
/// frame that counts by its samples, so that the bucket's mean is its changes over its time. A
/// sample that is zero has the sign of the last that was not. A change from one frame to the next
/// counts in the later. One thread.
class ZeroCrossingMeter : public Meter {
 public:
  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard&) override {}
  void reset() override;

 private:
  int rate_ = 0;
  bool signed_ = false;    ///< a sample that was not zero has been heard
  bool negative_ = false;  ///< and was negative
};

}  // namespace dragoman

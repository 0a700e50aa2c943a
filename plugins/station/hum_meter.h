// SPDX-License-Identifier: LGPL-2.1-or-later
// Mains hum: lines at 50 or 60 Hz and their harmonics that stand out of their surroundings.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plugins/station/meter.h"
#include "plugins/station/windowed_fft.h"

namespace dragoman {

/// hum_db: a reading of each 1000 samples (1 s) of the mean of the channels at about 1 kHz (the
/// rate over its whole kilohertz, low-pass of 14 taps an output sample, Blackman), one behind the
/// other across buckets, since the last hole. Of the power spectrum under a Hann window (see
/// WindowedFft), with c the bin nearest to h F for h = 1 to 5:
///
///     hum(F) = 10 log10(mean of power[c - 2 .. c + 2] / mean of power[c - 7 .. c - 4, c + 4 .. c +
///     7])
///
/// both means over all five h; the reading is the greater of hum(50 Hz) and hum(60 Hz), at most
/// 100. Noise reads about 0 dB; hum of mean square S in noise of n per Hz 10 log10(1 + S / 25 n).
/// Absent where all these bins hold less than -120 dBFS. What is said is in the neighbours as well:
/// readings in pauses are the greatest. Allocates in set_format() only. One thread.
class HumMeter : public Meter {
 public:
  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard&) override {}
  void reset() override;

 private:
  void add_reading(BucketBoard& board);

  size_t factor_ = 1, until_next_ = 1;  ///< samples of the input for one of the window
  double bin_hz_ = 1;
  std::vector<float> taps_, history_;  ///< the last taps, then the frame
  std::vector<float> window_;
  size_t filled_ = 0;
  WindowedFft fft_;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of what a caller hears comes back in what he says, and how much of that is taken out.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <vector>

#include "plugins/station/bucket_board.h"
#include "plugins/station/lag_tracker.h"
#include "plugins/station/tap_log.h"
#include "plugins/station/windowed_fft.h"

namespace dragoman {

/// echo_return_loss_db (ITU-T G.122: the far end's power over its echo's, at PRE) and
/// echo_return_loss_enhancement_db (ITU-T G.168: echo's power at PRE over that at POST), one
/// reading a bucket each, of the band from 100 to 3400 Hz.
///
/// The echo's delay, up to 500 ms, is searched with LagFinder once a second. With the far end laid
/// over it, the echo is what of a tap is coherent with the far end: cross spectra of 64 ms frames
/// by Welch's method (J. S. Bendat and A. G. Piersol, Random Data, 4th ed., sections 6.1 and 9.2),
/// each frame weighed by the inverse of the tap's power so that no loud one decides alone, and the
/// bias of the finite number of frames taken off. Frames count in which the far end is over -50
/// dBFS and the tap no more than 10 dB over what the echo has been lately: nobody talks over it.
/// There is no reading without a second and a half of such frames, without a delay, or if what is
/// coherent could be chance. What is left of the echo at POST may be too little to be seen: then
/// the enhancement is the least that it can be, 60 dB at most.
///
/// Allocates in set_rate() only. One thread.
class EchoMeter {
 public:
  EchoMeter() { set_rate(8000); }
  void set_rate(int rate);

  /// Once a second. `lag_ns` is POST's content behind PRE's.
  void listen(const TapLog& far, const TapLog& pre, const TapLog& post, int64_t lag_ns);

  void end_bucket(BucketBoard& board);
  void reset();

 private:
  static constexpr double kMinDelayS = 0, kMaxDelayS = 0.5, kWindowS = 1.0;
  static constexpr double kLeastCorrelation = 0.15;

  /// What is coherent of a tap with the far end.
  struct Coherent {
    std::vector<std::complex<float>> cross;  ///< with the far end, weighed
    std::vector<float> weighed, power;       ///< of the tap: weighed, and as it is

    void set_bins(size_t count);
    void clear();
  };
  struct Echo {
    double power = 0;   ///< of the echo, summed over the bins and frames
    double chance = 0;  ///< less than this means nothing
  };

  void take_frame();
  bool is_echo_only(double far_power, double pre_power);
  double power(std::span<const std::complex<float>> bins) const;
  void add(Coherent& tap, std::span<const std::complex<float>> bins, float weight);
  Echo echo(const Coherent& tap) const;
  void clear();

  LagTracker delay_{kMinDelayS, kMaxDelayS, kWindowS, kLeastCorrelation};
  int rate_ = 8000;
  WindowedFft fft_;
  BandBins band_{8000, 512};
  std::vector<float> far_samples_, pre_samples_, post_samples_;  ///< of one frame
  std::vector<std::complex<float>> far_bins_;
  std::vector<float> far_weighed_, far_power_;
  Coherent pre_, post_;
  size_t frames_ = 0;
  std::optional<double> least_return_db_;  ///< of a frame, tap over far end, lately
  uint64_t next_utc_ = 0;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// The fundamental frequency of a voice.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "plugins/station/speech_band.h"

namespace dragoman {

/// The normalised square difference function of P. McLeod and G. Wyvill, "A Smarter Way to Find
/// Pitch" (International Computer Music Conference, 2005), of 25 ms against what was up to 1/60 s
/// before. Octave errors are kept out as there: of the maxima between zero crossings the first that
/// is near the highest is the period. Finds 60 to 400 Hz, to a parabola through the maximum.
/// Allocates in set_format() only. One thread.
class PitchTracker {
 public:
  static constexpr double kLowestHz = 60, kHighestHz = 400;

  /// Rate in Hz of what is fed: low-passed speech, 8 to 12 kHz.
  void set_format(double rate);
  void reset();

  /// The next samples, in pieces of any length.
  void feed(std::span<const float> samples);

  /// Pitch in Hz at the end of what was fed; none if it has no period (unvoiced, noise, silence).
  std::optional<double> pitch();

 private:
  struct Peak {
    double lag = 0, height = 0;
  };

  void correlate();
  Peak peak_at(size_t lag) const;
  Peak choose() const;

  static constexpr size_t kBlock = 16;  ///< lags correlated together, so that vectors can be used

  double rate_ = 0;
  size_t window_ = 0, lags_ = 0;  ///< lags: a multiple of kBlock
  Biquad low_pass_, second_low_pass_;
  std::vector<float> history_;  ///< the last lags_ + window_ samples
  std::vector<float> nsdf_;     ///< by lag
};

}  // namespace dragoman

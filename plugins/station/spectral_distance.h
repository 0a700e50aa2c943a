// SPDX-License-Identifier: LGPL-2.1-or-later
// How far two spectra are apart.
#pragma once

#include <span>
#include <vector>

#include "plugins/station/windowed_fft.h"

namespace dragoman {

/// The RMS log spectral distance of two stretches of one length (A. H. Gray and J. D. Markel,
/// Distance Measures for Speech Processing, IEEE Trans. ASSP 24(5), 1976, equation 6 with p = 2;
/// S. R. Quackenbush et al., Objective Measures of Speech Quality, 1988, section 2.2): the root of
/// the mean, over the bins from 100 to 3400 Hz of a Hann-windowed FFT of 32 ms, of the squared
/// difference of the two power spectra in dB. Powers under -100 dBFS count as that. A flat gain of
/// g dB is a distance of |g|. Allocates in set_rate() only. One thread.
class SpectralDistance {
 public:
  SpectralDistance() { set_rate(8000); }
  void set_rate(int rate);

  /// Samples of a frame.
  size_t frame_length() const { return fft_.length(); }

  /// dB, 0 or more.
  double frame(std::span<const float> reference, std::span<const float> processed);

 private:
  WindowedFft fft_;
  BandBins band_{8000, 256};
  std::vector<float> powers_;  ///< of the reference
};

}  // namespace dragoman

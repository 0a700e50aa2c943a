// SPDX-License-Identifier: LGPL-2.1-or-later
// The spectrum of one short stretch of audio.
#pragma once

#include <gst/fft/gstfftf32.h>

#include <complex>
#include <memory>
#include <span>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {

/// Hann window (periodic) and FFT. Allocates in set_length() only. One thread.
class WindowedFft {
 public:
  /// Samples of a stretch; even.
  void set_length(size_t length);
  size_t length() const { return window_.size(); }

  size_t bins() const { return length() / 2 + 1; }

  /// The bins of `samples`, which are length(); scaled so that the mean square of a long white
  /// noise is the mean of the bins' squared magnitudes. Valid until the next call.
  std::span<const std::complex<float>> operator()(std::span<const float> samples);

  /// Of N samples x, with w[n] = 0.5 - 0.5 cos(2 pi n / N) (Hann) and X the DFT of w x:
  ///
  ///     power[k] = c |X[k]|^2 / (N sum(w^2)),  c = 1 at 0 Hz and at half the rate, else 2
  ///
  /// so that the bins add up to sum((w x)^2) / sum(w^2), the mean square under the window; a sine's
  /// power is within 2 bins of its frequency. Valid until the next call.
  std::span<const float> power(std::span<const float> samples);

 private:
  std::vector<float> window_, windowed_, power_;
  std::vector<std::complex<float>> bins_;
  std::unique_ptr<GstFFTF32, Deleter<gst_fft_f32_free>> fft_;
};

/// Bins of an FFT of `length` at `rate` Hz that lie from 100 to 3400 Hz: the telephone band, in
/// which a Decimator changes nothing.
struct BandBins {
  BandBins(int rate, size_t length);
  size_t first, last;
  size_t count() const { return last - first + 1; }
};

}  // namespace dragoman

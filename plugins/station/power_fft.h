// SPDX-License-Identifier: LGPL-2.1-or-later
// The power spectrum of a stretch under a Hann window.
#pragma once

#include <gst/fft/gstfftf32.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace dragoman {

/// Of N samples x, with w[n] = 0.5 - 0.5 cos(2 pi n / N) (Hann) and X the DFT of w x:
///
///     power[k] = c |X[k]|^2 / (N sum(w^2)),  c = 1 at 0 Hz and at half the rate, else 2
///
/// so that the bins add up to sum((w x)^2) / sum(w^2), the mean square under the window; a sine's
/// power is within 2 bins of its frequency. Allocates in set_length() only. One thread.
class PowerFft {
 public:
  /// Even; fast where gst_fft_next_fast_length() gives it.
  void set_length(size_t length);
  size_t length() const { return window_.size(); }
  size_t bins() const { return bins_.size(); }

  /// Of length() samples; good until the next call.
  std::span<const float> power(std::span<const float> samples);

 private:
  struct Deleter {
    void operator()(GstFFTF32* fft) const { gst_fft_f32_free(fft); }
  };

  std::unique_ptr<GstFFTF32, Deleter> fft_;
  float scale_ = 0;
  std::vector<float> window_, windowed_, power_;
  std::vector<GstFFTF32Complex> bins_;
};

}  // namespace dragoman

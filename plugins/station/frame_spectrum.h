// SPDX-License-Identifier: LGPL-2.1-or-later
// The power spectrum of each 20 ms frame, computed once for all meters that ask.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plugins/station/windowed_fft.h"

namespace dragoman {

/// The mean square of the signal that falls to each bin (see WindowedFft). Bin k is at k times
/// `bin_hz`; the last is half the rate.
struct PowerSpectrum {
  std::span<const float> power;
  double bin_hz = 0;
};

/// Of the last N samples up to a frame's end, N being 32 ms as gst_fft_next_fast_length() rounds it
/// up (256, 512, 1024, 1536 at 8, 16, 32, 48 kHz). Allocates in set_rate() only. One thread.
class FrameSpectrum {
 public:
  static size_t window_length(int rate);

  /// Hz; forgets what was heard.
  void set_rate(int rate);

  /// The next frame of one channel.
  void push(std::span<const float> mono);

  /// Of the window that ends with the last frame; null if less than a window has been heard or the
  /// frame is shorter than 20 ms. Good until the next push(), which is when it is computed anew if
  /// asked for.
  const PowerSpectrum* current();

  /// A hole: the next window begins behind it.
  void reset();

 private:
  enum class Last { kNone, kUnknown, kKnown };

  WindowedFft fft_;
  size_t shortest_ = 0;  ///< samples of a frame that has a spectrum
  size_t heard_ = 0;     ///< samples, as far as they matter
  Last last_ = Last::kNone;
  std::vector<float> history_;
  PowerSpectrum spectrum_;
};

}  // namespace dragoman

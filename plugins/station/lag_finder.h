// SPDX-License-Identifier: LGPL-2.1-or-later
// By how much one tap's audio lags behind another's.
#pragma once

#include <gst/fft/gstfftf32.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {

struct Lag {
  double seconds = 0;      ///< positive: the window is later than the reference
  double correlation = 0;  ///< normalised, 0 to 1, whatever the polarity
};

/// Finds where in a reference a window of audio comes from: the greatest normalised
/// cross-correlation of both, differentiated so that the strong low frequencies of a voice do not
/// blur it. The search is made by FFT at half the rate, its result refined in the time domain at
/// the full rate and, by a parabola, between samples (G. C. Carter, Coherence and Time Delay
/// Estimation, Proc. IEEE 75(2), 1987, section III). A result counts if its correlation reaches
/// `least` and no other lag, 3 ms or more away, comes near it: a tone, which fits at every period,
/// gives none. Allocates in set_rate() only. One thread.
class LagFinder {
 public:
  /// Lags from `min_s` to `max_s` are searched, with windows of `window_s`; all seconds.
  LagFinder(double min_s, double max_s, double window_s, double least);

  void set_rate(int rate);

  /// Samples of a window, and of its reference: that begins max_s before the window does and ends
  /// -min_s after it.
  size_t window_length() const { return window_.size(); }
  size_t reference_length() const { return reference_.size(); }

  /// The lag of `window` behind `reference`, searched everywhere.
  std::optional<Lag> find(std::span<const float> reference, std::span<const float> window);

  /// The same if it is still about `lag_s` (to half a millisecond): a twentieth of the work.
  std::optional<Lag> confirm(std::span<const float> reference, std::span<const float> window,
                             double lag_s);

  /// Whether there was anything to compare in the last call: both over -80 dBFS.
  bool heard() const { return heard_; }

 private:
  bool prepare(std::span<const float> reference, std::span<const float> window);
  size_t correlate(std::span<const float> reference, std::span<const float> window);
  std::optional<Lag> search(std::span<const float> reference, std::span<const float> window);
  std::optional<Lag> refine(double offset, int reach);
  double correlation(size_t offset) const;

  double min_s_, max_s_, window_s_, least_;
  int rate_ = 8000;
  bool heard_ = false;
  double window_energy_ = 0, energy_ = 0;
  std::vector<float> reference_, window_;  ///< differentiated
  std::vector<float> coarse_reference_, coarse_window_, products_;
  std::vector<GstFFTF32Complex> reference_bins_, window_bins_;
  std::unique_ptr<GstFFTF32, Deleter<gst_fft_f32_free>> forward_, inverse_;
};

}  // namespace dragoman

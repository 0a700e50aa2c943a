// SPDX-License-Identifier: LGPL-2.1-or-later
// The shape of the spectrum and the levels of its bands, frame by frame.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "plugins/station/frame_spectrum.h"
#include "plugins/station/meter.h"

namespace dragoman {

/// A reading of each frame that has a spectrum (see FrameSpectrum: 32 ms under a Hann window, up to
/// the frame's end, of the mean of the channels). With P[k] its powers, f[k] = k bin_hz, and sums
/// over the bins from 2 to the last (the lowest two hold a constant offset):
///
/// * spectral_centroid_hz c = sum(f P) / sum(P)
/// * spectral_rolloff_hz: the least f[k] up to which 85 % of sum(P) lies
/// * spectral_bandwidth_hz = sqrt(sum((f - c)^2 P) / sum(P))
/// * spectral_flatness = exp(mean(ln(max(P / mean(P), 1e-10))))
/// * spectral_flux = sqrt(sum((a - b)^2) / 2), a = sqrt(P / sum(P)) and b the same of the frame
///   before: 0 for the same shape at whatever level, 1 for no bin in common; absent if the frame
///   before has none
/// * spectral_tilt_db_per_octave: slope of the least-squares line through 10 log10(max(p, 1e-10
///   mean(P))), p the mean P of an octave's bins (125 <= f < 250 Hz, 250 to 500 and so on up to
///   half the rate), over the mean log2(f) of those bins
///
/// These are absent where sum(P) is under -60 dBFS. Over all bins, and never absent:
///
/// * band_low_dbfs, band_voice_dbfs, band_high_dbfs: 10 log10 of the sum of P where f < 300,
///   300 <= f <= 3400, f > 3400 Hz; not under -100
///
/// Definitions of 22 to 26 after Peeters, A large set of audio features for sound description
/// (Cuidado report, 2004), section 6.1, of the power spectrum; flux is the Hellinger distance.
/// Allocates in set_format() only. One thread.
class SpectrumMeter : public Meter {
 public:
  /// Spends time on what `board` wants now only.
  explicit SpectrumMeter(const BucketBoard& board);

  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard&) override {}
  void reset() override;

 private:
  struct Octave {
    size_t begin = 0, end = 0;  ///< bins
    double middle = 0;          ///< log2 of Hz
  };
  static constexpr size_t kMaxOctaves = 8;

  void add_bands(std::span<const float> power, BucketBoard& board) const;
  void add_moments(std::span<const float> shape, double total, BucketBoard& board) const;
  void add_rolloff(std::span<const float> shape, double total, BucketBoard& board) const;
  void add_flatness(std::span<const float> shape, double total, BucketBoard& board) const;
  void add_flux(std::span<const float> shape, double total, BucketBoard& board);
  void add_tilt(const PowerSpectrum& spectrum, double total, BucketBoard& board) const;

  bool wants_bands_, wants_moments_, wants_rolloff_, wants_flatness_, wants_flux_, wants_tilt_;
  double bin_hz_ = 0;
  size_t voice_begin_ = 0, high_begin_ = 0;  ///< bins
  std::array<Octave, kMaxOctaves> octaves_;
  size_t octave_count_ = 0;
  std::vector<float> before_;  ///< a of the last frame
  bool has_before_ = false;
};

}  // namespace dragoman

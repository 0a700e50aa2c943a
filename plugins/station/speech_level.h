// SPDX-License-Identifier: LGPL-2.1-or-later
// The level of speech while somebody speaks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dragoman {

/// The active speech level of ITU-T P.56 (12/2011) method B, section 8: the samples' magnitude,
/// smoothed twice with a time constant of 0.03 s, is counted as active over each of 15
/// thresholds 6.02 dB apart (2^-15 to 1/2 of full scale), with a hangover of 0.2 s; the active
/// level is where the energy by active time lies 15.9 dB over its threshold, interpolated between
/// the two thresholds around it.
///
/// The envelope is smoothed at the full rate and compared each ms. Channels count together: the
/// mean of their magnitudes, the mean of their squares. By definition the hangover and the
/// envelope's decay make stretches under a second or two look quieter than they are (0.5 s on, 0.5
/// s off: 2 dB). Allocates nothing. One thread.
class SpeechLevel {
 public:
  void set_format(int rate, size_t channels);

  /// The next samples, interleaved, without offset, and the sum of their squares by channel.
  void feed(std::span<const float> samples, double square_sum);

  /// Mean square of the active time since start_over(); none if no threshold is 15.9 dB under it
  /// (silence).
  std::optional<double> active_power() const;

  /// Energy and active time begin anew (a bucket's); envelope and hangover go on.
  void start_over();
  void reset();

 private:
  static constexpr size_t kThresholds = 15;

  void count();

  size_t channels_ = 1;
  float smoothing_ = 0, first_ = 0, second_ = 0;
  size_t step_ = 1, until_count_ = 1;
  uint32_t hangover_ = 0;                       ///< in counts
  std::array<uint32_t, kThresholds> left_{};    ///< of the hangover, by threshold
  std::array<uint64_t, kThresholds> active_{};  ///< counts, by threshold
  double square_sum_ = 0;
};

}  // namespace dragoman

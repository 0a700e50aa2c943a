// SPDX-License-Identifier: LGPL-2.1-or-later
// One voice band of any tap: mono, near 8 kHz, so that two taps can be laid side by side cheaply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// Takes the mean of the channels and keeps every Nth sample, N as great as the rate stays 8 kHz or
/// more; before that a linear-phase low pass (windowed sinc, Hamming; Oppenheim and Schafer,
/// Discrete-Time Signal Processing, section 7.5) that is flat to 0.425 of the new rate and 50 dB
/// down from 0.575 of it. Whatever N, 1 too, the delay is 11 samples of the new rate, so that taps
/// of different rates compare. Allocates in set_format() only. One thread.
class Decimator {
 public:
  /// Rate in Hz and 1 or 2 channels; forgets what was fed.
  void set_format(int rate, size_t channels);

  /// Rate of what comes out, Hz: 8000 from 8, 16, 24, 32 and 48 kHz.
  int rate() const { return rate_ / factor_; }

  /// Interleaved samples, at most kMaxFrames sample frames; full scale of floats is 1.0, what
  /// is not a number or over 120 dBFS counts as 0. The result is valid until the next call.
  std::span<const float> feed(std::span<const int16_t> samples);
  std::span<const float> feed(std::span<const float> samples);

  /// Forgets what was fed.
  void reset();

  static constexpr size_t kMaxFrames = 1024;

 private:
  template <typename Sample>
  std::span<const float> feed_samples(std::span<const Sample> samples);

  int rate_ = 8000, factor_ = 1;
  size_t channels_ = 1;
  size_t phase_ = 0;         ///< samples until the next one that is kept
  std::vector<float> taps_;  ///< the oldest first; of none but the delay only their number counts
  std::vector<float> line_;  ///< the last taps_.size() - 1 samples, then those fed
  std::vector<float> out_;
};

}  // namespace dragoman

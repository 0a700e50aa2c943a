// SPDX-License-Identifier: LGPL-2.1-or-later
// The speech band of a stream at telephone rate, split where voices have their energy.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plugins/station/decimator.h"

namespace dragoman {

/// A second-order filter section, direct form II transposed.
class Biquad {
 public:
  static Biquad low_pass(double hz, double rate);
  static Biquad high_pass(double hz, double rate);

  float operator()(float in) {
    const float out = b0_ * in + s1_;
    s1_ = b1_ * in - a1_ * out + s2_;
    s2_ = b2_ * in - a2_ * out;
    return out;
  }
  void reset() { s1_ = s2_ = 0; }
  /// After a frame: in silence the state goes through numbers too small for a float's exponent,
  /// which are slow.
  void settle() {
    if (s1_ * s1_ + s2_ * s2_ < 1e-24f) reset();
  }

 private:
  float b0_ = 1, b1_ = 0, b2_ = 0, a1_ = 0, a2_ = 0, s1_ = 0, s2_ = 0;
};

/// Brings mono audio of 8 to 48 kHz to 8 to 12 kHz (Decimator), takes what is under 100 Hz away
/// and splits the rest at 1 kHz (Butterworth). Allocates in set_format() only. One thread.
class SpeechBand {
 public:
  /// Rate in Hz of what is fed.
  void set_format(int rate);
  double rate() const { return decimator_.rate(); }  ///< Hz, of what comes out
  void reset();

  /// At most 20 ms.
  void feed(std::span<const float> mono);

  /// Of the piece fed last: under and over 1 kHz. A short piece may give nothing.
  std::span<const float> low() const { return {low_.data(), count_}; }
  double low_power() const { return low_power_; }    ///< mean square
  double high_power() const { return high_power_; }  ///< mean square

 private:
  Decimator decimator_;
  std::vector<float> low_;
  size_t count_ = 0;
  Biquad rumble_, under_, over_;
  double low_power_ = 0, high_power_ = 0;
};

}  // namespace dragoman

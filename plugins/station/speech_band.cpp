// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/speech_band.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {
namespace {

constexpr double kRumbleHz = 100, kSplitHz = 1000;

}  // namespace

// Bilinear transform of the Butterworth prototype, Q = 1/sqrt(2).
Biquad Biquad::low_pass(double hz, double rate) {
  const double w = 2 * std::numbers::pi * hz / rate, alpha = std::sin(w) / std::numbers::sqrt2;
  Biquad filter;
  filter.b1_ = static_cast<float>((1 - std::cos(w)) / (1 + alpha));
  filter.b0_ = filter.b2_ = filter.b1_ / 2;
  filter.a1_ = static_cast<float>(-2 * std::cos(w) / (1 + alpha));
  filter.a2_ = static_cast<float>((1 - alpha) / (1 + alpha));
  return filter;
}

Biquad Biquad::high_pass(double hz, double rate) {
  const double w = 2 * std::numbers::pi * hz / rate, alpha = std::sin(w) / std::numbers::sqrt2;
  Biquad filter;
  filter.b1_ = static_cast<float>(-(1 + std::cos(w)) / (1 + alpha));
  filter.b0_ = filter.b2_ = -filter.b1_ / 2;
  filter.a1_ = static_cast<float>(-2 * std::cos(w) / (1 + alpha));
  filter.a2_ = static_cast<float>((1 - alpha) / (1 + alpha));
  return filter;
}

void SpeechBand::set_format(int rate) {
  decimator_.set_format(rate, 1);
  low_.assign(Decimator::kMaxFrames, 0);
  rumble_ = Biquad::high_pass(kRumbleHz, decimator_.rate());
  under_ = Biquad::low_pass(kSplitHz, decimator_.rate());
  over_ = Biquad::high_pass(kSplitHz, decimator_.rate());
  reset();
}

void SpeechBand::reset() {
  decimator_.reset();
  count_ = 0;
  low_power_ = high_power_ = 0;
  for (Biquad* filter : {&rumble_, &under_, &over_}) filter->reset();
}

void SpeechBand::feed(std::span<const float> mono) {
  const std::span<const float> band = decimator_.feed(mono);
  count_ = band.size();
  float low_sum = 0, high_sum = 0;
  Biquad rumble = rumble_, under = under_, over = over_;  // in registers
  for (size_t i = 0; i < count_; ++i) {
    const float in = rumble(band[i]);
    const float low = under(in), high = over(in);
    low_[i] = low;
    low_sum += low * low;
    high_sum += high * high;
  }
  rumble_ = rumble;
  under_ = under;
  over_ = over;
  for (Biquad* filter : {&rumble_, &under_, &over_}) filter->settle();
  const double n = std::max<double>(1, static_cast<double>(count_));
  low_power_ = low_sum / n;
  high_power_ = high_sum / n;
}

}  // namespace dragoman

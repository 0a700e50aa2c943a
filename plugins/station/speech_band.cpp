// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/speech_band.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {
namespace {

constexpr int kTelephoneRate = 8000;
constexpr double kRumbleHz = 100, kSplitHz = 1000;
constexpr size_t kTapsPerOutput = 12;

/// Low-pass at 0.45 of the output rate: a sinc under a Hamming window, of unit gain at 0 Hz.
std::vector<float> decimation_taps(size_t factor) {
  const size_t length = kTapsPerOutput * factor;
  const double cutoff = 0.45 / static_cast<double>(factor), middle = 0.5 * (length - 1.0);
  std::vector<double> taps(length);
  double sum = 0;
  for (size_t i = 0; i < length; ++i) {
    const double t = 2 * cutoff * (static_cast<double>(i) - middle) * std::numbers::pi;
    const double window =
        0.54 - 0.46 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / (length - 1.0));
    taps[i] = (t == 0 ? 1 : std::sin(t) / t) * window;
    sum += taps[i];
  }
  std::vector<float> unit(length);
  std::ranges::transform(taps, unit.begin(),
                         [sum](double tap) { return static_cast<float>(tap / sum); });
  return unit;
}

/// `length` is a multiple of 4.
float dot(const float* a, const float* b, size_t length) {
  float sum[4] = {};
  for (size_t i = 0; i < length; i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) sum[lane] += a[i + lane] * b[i + lane];
  }
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

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

void SpeechBand::set_format(int rate, size_t longest) {
  factor_ = static_cast<size_t>(std::max(1, rate / kTelephoneRate));
  rate_ = static_cast<double>(rate) / static_cast<double>(factor_);
  taps_ = decimation_taps(factor_);
  history_.assign(taps_.size() - 1 + longest, 0);
  band_.assign(longest / factor_ + 1, 0);
  low_.assign(longest / factor_ + 1, 0);
  rumble_ = Biquad::high_pass(kRumbleHz, rate_);
  under_ = Biquad::low_pass(kSplitHz, rate_);
  over_ = Biquad::high_pass(kSplitHz, rate_);
  reset();
}

void SpeechBand::reset() {
  std::ranges::fill(history_, 0.0f);
  phase_ = count_ = 0;
  low_power_ = high_power_ = 0;
  for (Biquad* filter : {&rumble_, &under_, &over_}) filter->reset();
}

void SpeechBand::decimate(std::span<const float> mono) {
  count_ = 0;
  if (factor_ == 1) {
    std::ranges::copy(mono, band_.begin());
    count_ = mono.size();
    return;
  }
  const size_t kept = taps_.size() - 1;
  std::ranges::copy(mono, history_.begin() + static_cast<ptrdiff_t>(kept));
  size_t at = phase_;
  for (; at < mono.size(); at += factor_) {
    band_[count_++] = dot(&history_[at], taps_.data(), taps_.size());
  }
  phase_ = at - mono.size();
  std::copy_n(history_.begin() + static_cast<ptrdiff_t>(mono.size()), kept, history_.begin());
}

void SpeechBand::feed(std::span<const float> mono) {
  decimate(mono);
  float low_sum = 0, high_sum = 0;
  Biquad rumble = rumble_, under = under_, over = over_;  // in registers
  for (size_t i = 0; i < count_; ++i) {
    const float in = rumble(band_[i]);
    const float low = under(in), high = over(in);
    low_[i] = low;
    low_sum += low * low;
    high_sum += high * high;
  }
  rumble_ = rumble;
  under_ = under;
  over_ = over;
  const double n = std::max<double>(1, static_cast<double>(count_));
  low_power_ = low_sum / n;
  high_power_ = high_sum / n;
}

}  // namespace dragoman

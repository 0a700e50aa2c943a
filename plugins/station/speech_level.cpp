// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/speech_level.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

constexpr double kTimeConstant = 0.03, kHangover = 0.2;  // seconds
constexpr double kMarginDb = 15.9;
constexpr int kLowestThreshold = -15;  // power of two
constexpr int kCountsPerSecond = 1000;

double decibels(double power) { return 10 * std::log10(power); }

}  // namespace

void SpeechLevel::set_format(int rate, size_t channels) {
  channels_ = channels;
  smoothing_ = static_cast<float>(1 - std::exp(-1 / (rate * kTimeConstant)));
  step_ = static_cast<size_t>(std::max(1, rate / kCountsPerSecond));
  hangover_ = static_cast<uint32_t>(std::lround(kHangover * rate / static_cast<double>(step_)));
  reset();
}

void SpeechLevel::reset() {
  first_ = second_ = 0;
  until_count_ = step_;
  left_ = {};
  start_over();
}

void SpeechLevel::start_over() {
  active_ = {};
  square_sum_ = 0;
}

void SpeechLevel::count() {
  const int over = second_ > 0 ? std::ilogb(second_) - kLowestThreshold + 1 : 0;
  const auto reached = static_cast<size_t>(std::clamp(over, 0, static_cast<int>(kThresholds)));
  for (size_t j = 0; j < reached; ++j) {
    left_[j] = hangover_;
    ++active_[j];
  }
  for (size_t j = reached; j < kThresholds; ++j) {
    if (!left_[j]) continue;
    --left_[j];
    ++active_[j];
  }
}

void SpeechLevel::feed(std::span<const float> samples, double square_sum) {
  square_sum_ += square_sum;
  float first = first_, second = second_;
  for (size_t i = 0; i + channels_ <= samples.size(); i += channels_) {
    const float magnitude = channels_ == 1
                                ? std::abs(samples[i])
                                : 0.5f * (std::abs(samples[i]) + std::abs(samples[i + 1]));
    first += smoothing_ * (magnitude - first);
    second += smoothing_ * (first - second);
    if (--until_count_ == 0) {
      until_count_ = step_;
      second_ = second;
      count();
    }
  }
  // Neither ever reaches 0 in silence: numbers too small for a float's exponent are slow.
  first_ = first < 1e-20f ? 0 : first;
  second_ = second < 1e-20f ? 0 : second;
}

std::optional<double> SpeechLevel::active_power() const {
  // The margin shrinks with each threshold: the energy is the same, the active time less, but by
  // less than the threshold is higher.
  double level_before = 0, margin_before = 0;
  for (size_t j = 0; j < kThresholds && active_[j]; ++j) {
    const double level = decibels(square_sum_ / static_cast<double>(active_[j] * step_));
    const double margin =
        level - 20 * std::log10(std::ldexp(1.0, kLowestThreshold + static_cast<int>(j)));
    if (margin <= kMarginDb) {
      if (j == 0) return std::nullopt;
      const double part = (margin_before - kMarginDb) / (margin_before - margin);
      return std::pow(10, (level_before + part * (level - level_before)) / 10);
    }
    level_before = level;
    margin_before = margin;
  }
  return std::nullopt;
}

}  // namespace dragoman

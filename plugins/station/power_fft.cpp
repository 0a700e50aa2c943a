// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/power_fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {

void PowerFft::set_length(size_t length) {
  fft_.reset(gst_fft_f32_new(static_cast<gint>(length), FALSE));
  window_.resize(length);
  double square_sum = 0;
  for (size_t i = 0; i < length; ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(length);
    const double value = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn);
    square_sum += value * value;
    window_[i] = static_cast<float>(value);
  }
  scale_ = static_cast<float>(1 / (static_cast<double>(length) * square_sum));
  windowed_.assign(length, 0);
  bins_.assign(length / 2 + 1, {});
  power_.assign(length / 2 + 1, 0);
}

std::span<const float> PowerFft::power(std::span<const float> samples) {
  float greatest = 0;
  for (size_t i = 0; i < windowed_.size(); ++i) {
    windowed_[i] = window_[i] * samples[i];
    greatest = std::max(greatest, std::abs(windowed_[i]));
  }
  if (greatest == 0) {
    std::ranges::fill(power_, 0.0f);
    return power_;
  }
  gst_fft_f32_fft(fft_.get(), windowed_.data(), bins_.data());
  for (size_t i = 0; i < power_.size(); ++i) {
    power_[i] = 2 * scale_ * (bins_[i].r * bins_[i].r + bins_[i].i * bins_[i].i);
  }
  power_.front() /= 2;
  power_.back() /= 2;
  return power_;
}

}  // namespace dragoman

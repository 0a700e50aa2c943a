// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/windowed_fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {

constexpr double kLowHz = 100, kHighHz = 3400;

// What the library fills is laid out as the standard says std::complex is.
static_assert(sizeof(GstFFTF32Complex) == sizeof(std::complex<float>));

void WindowedFft::set_length(size_t length) {
  window_.resize(length);
  windowed_.resize(length);
  bins_.resize(bins());
  power_.resize(bins());
  const auto n = static_cast<double>(length);
  const double scale = 1 / std::sqrt(0.375 * n);  // a Hann window's mean square is 3/8
  for (size_t i = 0; i < length; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / n);
    window_[i] = static_cast<float>(scale * hann);
  }
  fft_.reset(gst_fft_f32_new(static_cast<gint>(length), FALSE));
}

std::span<const std::complex<float>> WindowedFft::operator()(std::span<const float> samples) {
  for (size_t i = 0; i < window_.size(); ++i) windowed_[i] = samples[i] * window_[i];
  gst_fft_f32_fft(fft_.get(), windowed_.data(), reinterpret_cast<GstFFTF32Complex*>(bins_.data()));
  return bins_;
}

std::span<const float> WindowedFft::power(std::span<const float> samples) {
  (*this)(samples);
  const auto share = 2 / static_cast<float>(length());
  std::ranges::transform(bins_, power_.begin(), [&](auto bin) { return share * std::norm(bin); });
  power_.front() /= 2;
  power_.back() /= 2;
  return power_;
}

BandBins::BandBins(int rate, size_t length)
    : first(static_cast<size_t>(std::ceil(kLowHz * static_cast<double>(length) / rate))),
      last(static_cast<size_t>(kHighHz * static_cast<double>(length) / rate)) {}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/frame_spectrum.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "plugins/station/meter.h"

namespace dragoman {
namespace {
constexpr int kWindowMs = 32;
}

size_t FrameSpectrum::window_length(int rate) {
  const int at_least = (rate * kWindowMs + 999) / 1000;
  return static_cast<size_t>(gst_fft_next_fast_length(at_least));
}

void FrameSpectrum::set_rate(int rate) {
  const size_t length = window_length(rate);
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
  history_.assign(length, 0);
  windowed_.assign(length, 0);
  bins_.assign(length / 2 + 1, {});
  power_.assign(length / 2 + 1, 0);
  spectrum_ = {.power = power_, .bin_hz = static_cast<double>(rate) / static_cast<double>(length)};
  shortest_ = static_cast<size_t>(rate / kFramesPerSecond);
  reset();
}

void FrameSpectrum::push(std::span<const float> mono) {
  const size_t taken = std::min(mono.size(), history_.size());
  const auto kept =
      std::shift_left(history_.begin(), history_.end(), static_cast<ptrdiff_t>(taken));
  std::ranges::copy(mono.last(taken), kept);
  heard_ = std::min(heard_ + taken, history_.size());
  const bool measurable = heard_ == history_.size() && mono.size() >= shortest_;
  last_ = measurable ? Last::kUnknown : Last::kNone;
}

const PowerSpectrum* FrameSpectrum::current() {
  if (last_ == Last::kNone) return nullptr;
  if (last_ == Last::kUnknown) compute();
  last_ = Last::kKnown;
  return &spectrum_;
}

void FrameSpectrum::compute() {
  float greatest = 0;
  for (size_t i = 0; i < history_.size(); ++i) {
    windowed_[i] = window_[i] * history_[i];
    greatest = std::max(greatest, std::abs(windowed_[i]));
  }
  if (greatest == 0) {
    std::ranges::fill(power_, 0.0f);
    return;
  }
  gst_fft_f32_fft(fft_.get(), windowed_.data(), bins_.data());
  for (size_t i = 0; i < power_.size(); ++i) {
    power_[i] = 2 * scale_ * (bins_[i].r * bins_[i].r + bins_[i].i * bins_[i].i);
  }
  power_.front() /= 2;
  power_.back() /= 2;
}

void FrameSpectrum::reset() {
  heard_ = 0;
  last_ = Last::kNone;
}

}  // namespace dragoman

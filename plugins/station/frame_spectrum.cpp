// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/frame_spectrum.h"

#include <algorithm>

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
  fft_.set_length(length);
  history_.assign(length, 0);
  spectrum_ = {.bin_hz = static_cast<double>(rate) / static_cast<double>(length)};
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
  if (last_ == Last::kUnknown) spectrum_.power = fft_.power(history_);
  last_ = Last::kKnown;
  return &spectrum_;
}

void FrameSpectrum::reset() {
  heard_ = 0;
  last_ = Last::kNone;
}

}  // namespace dragoman

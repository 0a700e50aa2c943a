// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/spectral_distance.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

constexpr int kFrameMs = 32;
constexpr float kLeastPower = 1e-10f;

}  // namespace

void SpectralDistance::set_rate(int rate) {
  fft_.set_length(static_cast<size_t>(rate * kFrameMs / 2000 * 2));
  band_ = BandBins(rate, fft_.length());
  powers_.resize(fft_.length() / 2 + 1);
}

double SpectralDistance::frame(std::span<const float> reference, std::span<const float> processed) {
  const auto before = fft_(reference);
  for (size_t i = band_.first; i <= band_.last; ++i) {
    powers_[i] = std::max(kLeastPower, std::norm(before[i]));
  }
  const auto after = fft_(processed);
  float sum = 0;
  for (size_t i = band_.first; i <= band_.last; ++i) {
    const float db = 10 * std::log10(std::max(kLeastPower, std::norm(after[i])) / powers_[i]);
    sum += db * db;
  }
  return std::sqrt(static_cast<double>(sum) / static_cast<double>(band_.count()));
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Tones to send, and what is to be said of one that came back.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace dragoman::testing {

/// Samples [first, first + count) of a tone.
inline std::vector<int16_t> tone(double hz, double rate, size_t first, size_t count,
                                 double amplitude = 8000) {
  std::vector<int16_t> out(count);
  for (size_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(first + i) / rate;
    out[i] = static_cast<int16_t>(std::lround(amplitude * std::sin(2 * std::numbers::pi * hz * t)));
  }
  return out;
}

inline double rms(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += static_cast<double>(sample) * sample;
  return samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
}

/// Share of the power of `samples` that is at `hz`: 1 for a pure tone.
inline double purity(std::span<const int16_t> samples, double hz, double rate) {
  double in_phase = 0, quadrature = 0, power = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    in_phase += samples[i] * std::cos(angle);
    quadrature += samples[i] * std::sin(angle);
    power += static_cast<double>(samples[i]) * samples[i];
  }
  const auto n = static_cast<double>(samples.size());
  return power > 0 ? 2 * (in_phase * in_phase + quadrature * quadrature) / (n * power) : 0;
}

}  // namespace dragoman::testing

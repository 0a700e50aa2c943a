// SPDX-License-Identifier: LGPL-2.1-or-later
// Listens for clicks in what should be a steady sine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace dragoman::fakes {

inline constexpr int kListenRate = 16000;

inline std::vector<int16_t> sine(double frequency, double amplitude, size_t samples,
                                 size_t from = 0) {
  std::vector<int16_t> wave(samples);
  const double step = 2 * std::numbers::pi * frequency / kListenRate;
  for (size_t i = 0; i < samples; ++i)
    wave[i] = static_cast<int16_t>(
        std::lround(amplitude * std::sin(step * static_cast<double>(from + i))));
  return wave;
}

/// The largest step from sample to sample, in units of the largest that a sine of `frequency` with
/// the loudest sample's amplitude has within 10 ms: 1 for a sine, more where it is torn.
inline double worst_step(std::span<const int16_t> wave, double frequency) {
  constexpr size_t kAround = kListenRate / 100;
  double worst = 0;
  for (size_t i = 1; i < wave.size(); ++i) {
    const size_t low = i > kAround ? i - kAround : 0, high = std::min(i + kAround, wave.size());
    double amplitude = 0;
    for (size_t k = low; k < high; ++k) amplitude = std::max(amplitude, std::abs(double(wave[k])));
    const double step = std::abs(double(wave[i]) - wave[i - 1]) - 2;  // 2: rounding
    const double most = 2 * amplitude * std::sin(std::numbers::pi * frequency / kListenRate);
    if (most > 4) worst = std::max(worst, step / most);
  }
  return worst;
}

/// Power above `from_hz` in the loudest of the frames of 20 ms (Hann, every 5 ms), dB below full
/// scale: what a click adds to a low tone. A direct transform over every second bin is enough.
inline double loudest_burst(std::span<const int16_t> wave, double from_hz) {
  constexpr size_t kFrame = kListenRate / 50, kHop = kFrame / 4;
  static const std::vector<double> turns = [] {
    std::vector<double> table(kFrame);
    for (size_t i = 0; i < kFrame; ++i)
      table[i] = std::cos(2 * std::numbers::pi * static_cast<double>(i) / kFrame);
    return table;
  }();
  double worst = 0;
  for (size_t start = 0; start + kFrame <= wave.size(); start += kHop) {
    double power = 0;
    for (size_t bin = static_cast<size_t>(from_hz * kFrame / kListenRate); bin < kFrame / 2;
         bin += 2) {
      double real = 0, imaginary = 0;
      for (size_t i = 0; i < kFrame; ++i) {
        const double sample = wave[start + i] / 32768.0 * (0.5 - 0.5 * turns[i]);
        real += sample * turns[bin * i % kFrame];
        imaginary += sample * turns[(bin * i + kFrame / 4) % kFrame];
      }
      power += real * real + imaginary * imaginary;
    }
    worst = std::max(worst, power * 16 / (kFrame * kFrame));
  }
  return 10 * std::log10(worst + 1e-12);
}

}  // namespace dragoman::fakes

// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio made for a test: the same on every run.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace dragoman::testing {

/// White, uniform, mean power `rms`².
inline std::vector<float> noise(size_t count, double rms, unsigned seed = 1) {
  std::mt19937 random(seed);
  const double scale = rms * std::sqrt(12.0) / 4294967296.0;
  std::vector<float> samples(count);
  for (float& sample : samples) {
    sample = static_cast<float>((static_cast<double>(random()) - 2147483648.0) * scale);
  }
  return samples;
}

inline std::vector<float> sine(size_t count, double hz, int rate, double amplitude) {
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  }
  return samples;
}

/// Somewhat like a voice: pulses of a wandering pitch through two resonances, in syllables of about
/// 200 ms with pauses of up to a second; full scale 1.
inline std::vector<float> babble(size_t count, int rate, unsigned seed = 1) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / 4294967295.0;
  };
  std::vector<float> samples(count);
  double y1 = 0, y2 = 0, z1 = 0, z2 = 0;
  for (size_t i = 0; i < count;) {
    const auto length = static_cast<size_t>(uniform(0.1, 0.3) * rate);
    const auto pause = static_cast<size_t>((uniform(0, 1) < 0.2 ? uniform(0.3, 1) : 0.02) * rate);
    const double pitch = uniform(90, 220), first = uniform(300, 800), second = uniform(900, 2500);
    const double r = 0.97;
    double phase = 0;
    for (size_t n = 0; n < length + pause && i < count; ++n, ++i) {
      phase += pitch / rate;
      double x = n < length ? uniform(-0.02, 0.02) : 0;
      if (phase >= 1) {
        phase -= 1;
        if (n < length) x += 1;
      }
      const double y = x + 2 * r * std::cos(2 * std::numbers::pi * first / rate) * y1 - r * r * y2;
      y2 = y1, y1 = y;
      const double z = y + 2 * r * std::cos(2 * std::numbers::pi * second / rate) * z1 - r * r * z2;
      z2 = z1, z1 = z;
      samples[i] = static_cast<float>(0.01 * z);
    }
  }
  return samples;
}

inline std::vector<float> delayed(const std::vector<float>& samples, size_t by) {
  std::vector<float> late(samples.size());
  for (size_t i = by; i < samples.size(); ++i) late[i] = samples[i - by];
  return late;
}

inline std::vector<int16_t> to_s16(const std::vector<float>& samples) {
  std::vector<int16_t> result(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const double value = std::lround(static_cast<double>(samples[i]) * 32768);
    result[i] = static_cast<int16_t>(std::min(32767.0, std::max(-32768.0, value)));
  }
  return result;
}

inline double rms(const std::vector<float>& samples) {
  double sum = 0;
  for (float sample : samples) sum += static_cast<double>(sample) * static_cast<double>(sample);
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(1, samples.size())));
}

}  // namespace dragoman::testing

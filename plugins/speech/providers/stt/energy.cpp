// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/energy.h"

#include <algorithm>
#include <cmath>

namespace dragoman::stt {
namespace {

constexpr size_t kStep = 80;    // 5 ms
constexpr size_t kBlock = 160;  // 10 ms
constexpr size_t kSecond = 16000;
constexpr double kFallRatio = 1e-3;  // 30 dB in power

constexpr double kGateDb = 34;           // under the loudest frame around
constexpr double kSinkDbPerFrame = 0.5;  // of the loudest: 16 dB a second

double power(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * sample;
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

}  // namespace

double level_dbfs(std::span<const float> samples) {
  return std::max(-100.0, 10 * std::log10(power(samples) + 1e-10));
}

size_t quietest_place(std::span<const float> samples, size_t from, size_t to, size_t window) {
  to = std::min(to, samples.size());
  if (to < from + window) return std::min(from + (to > from ? (to - from) / 2 : 0), samples.size());
  size_t best = from;
  double least = INFINITY;
  for (size_t at = from; at + window <= to; at += kStep) {
    const double here = power(samples.subspan(at, window));
    if (here <= least) {
      least = here;
      best = at;
    }
  }
  return best + window / 2;
}

size_t end_of_sound(std::span<const float> samples, size_t to) {
  to = std::min(to, samples.size());
  const size_t from = to > kSecond ? to - kSecond : 0;
  double loudest = 0;
  for (size_t at = from; at + kBlock <= to; at += kBlock) {
    loudest = std::max(loudest, power(samples.subspan(at, kBlock)));
  }
  size_t end = to;
  while (end >= from + kBlock &&
         power(samples.subspan(end - kBlock, kBlock)) < loudest * kFallRatio) {
    end -= kBlock;
  }
  return end;
}

bool EnergyGate::accept(std::span<const float> frame) {
  const double level = level_dbfs(frame);
  loudest_dbfs_ = std::max(level, loudest_dbfs_ - kSinkDbPerFrame);
  return level > loudest_dbfs_ - kGateDb;
}

}  // namespace dragoman::stt

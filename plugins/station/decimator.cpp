// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/decimator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "plugins/station/normalized.h"

namespace dragoman {
namespace {

constexpr int kVoiceRate = 8000;
constexpr size_t kLanes = 8;        // sums side by side, so that the compiler can use vectors
constexpr int kTapsPerFactor = 22;  // Hamming: 3.3 / 22 = 0.15 of the new rate from pass to stop
constexpr int kDelay = kTapsPerFactor / 2;  // of any factor, in samples of the new rate

std::vector<float> low_pass(int factor) {
  const int length = kTapsPerFactor * factor + 1;
  std::vector<float> taps;
  double sum = 0;
  for (int i = 0; i < length; ++i) {
    const double t = (i - length / 2) / static_cast<double>(factor);
    const double sinc = t == 0 ? 1 : std::sin(std::numbers::pi * t) / (std::numbers::pi * t);
    const double tap = sinc * (0.54 - 0.46 * std::cos(2 * std::numbers::pi * i / (length - 1)));
    taps.push_back(static_cast<float>(tap));
    sum += tap;
  }
  for (float& tap : taps) tap = static_cast<float>(tap / sum);
  // Filled up at the oldest end: the delay is half the filter's length.
  const size_t filled = (taps.size() + kLanes - 1) / kLanes * kLanes;
  taps.insert(taps.begin(), filled - taps.size(), 0.0f);
  return taps;
}

float product(const float* samples, std::span<const float> taps) {
  std::array<float, kLanes> sums{};
  for (size_t i = 0; i < taps.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += samples[i + lane] * taps[i + lane];
    }
  }
  float sum = 0;
  for (float part : sums) sum += part;
  return sum;
}

}  // namespace

void Decimator::set_format(int rate, size_t channels) {
  rate_ = rate;
  channels_ = channels;
  factor_ = std::max(1, rate / kVoiceRate);
  taps_ = factor_ > 1 ? low_pass(factor_) : std::vector<float>(kDelay + 1);
  line_.assign(taps_.size() - 1 + kMaxFrames, 0);
  out_.assign(kMaxFrames, 0);
  phase_ = 0;
}

void Decimator::reset() {
  std::ranges::fill(line_, 0.0f);
  phase_ = 0;
}

template <typename Sample>
std::span<const float> Decimator::feed_samples(std::span<const Sample> samples) {
  const size_t frames = std::min(samples.size() / channels_, kMaxFrames);
  const size_t history = taps_.size() - 1;
  float* fresh = line_.data() + history;
  for (size_t i = 0; i < frames; ++i) {
    const Sample* frame = samples.data() + i * channels_;
    fresh[i] = channels_ == 1 ? normalized(frame[0])
                              : 0.5f * (normalized(frame[0]) + normalized(frame[1]));
  }
  size_t count = 0;
  size_t i = phase_;
  for (; i < frames; i += static_cast<size_t>(factor_)) {
    out_[count++] = factor_ == 1 ? line_[i] : product(line_.data() + i, taps_);
  }
  phase_ = i - frames;
  std::copy(line_.begin() + static_cast<ptrdiff_t>(frames),
            line_.begin() + static_cast<ptrdiff_t>(frames + history), line_.begin());
  return {out_.data(), count};
}

std::span<const float> Decimator::feed(std::span<const int16_t> samples) {
  return feed_samples(samples);
}
std::span<const float> Decimator::feed(std::span<const float> samples) {
  return feed_samples(samples);
}

}  // namespace dragoman

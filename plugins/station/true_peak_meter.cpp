// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/true_peak_meter.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "plugins/station/lanes.h"
#include "plugins/station/level_meter.h"

namespace dragoman {
namespace {

constexpr size_t kLeastFactor = 4;
constexpr size_t kLeastRate = 128000;
constexpr double kKaiser = 9;
// Samples kept from call to call, and how many of them the search lags behind.
constexpr size_t kHistory = 40, kLag = 18;
// A point under this share of the greatest peak has no greater one beside it: cos(pi / 4), less.
constexpr float kNear = 0.7f;
// What a point's second difference says at most of the height between it and its neighbour: a sine
// at half the rate has 0.207 of it.
constexpr float kCurvature = 0.25f;

double kaiser(double x) {
  return std::cyl_bessel_i(0, kKaiser * std::sqrt(std::max(0.0, 1 - x * x))) /
         std::cyl_bessel_i(0, kKaiser);
}

double sinc(double x) {
  return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}

float magnitude_at(const float* samples, std::span<const float> taps) {
  const double sum = sum_of(taps.size(), [&](size_t k) { return taps[k] * samples[k]; });
  return static_cast<float>(std::abs(sum));
}

/// The greatest magnitude of kLanes pairs.
float greatest_of(const float* points) {
  std::array<float, kLanes> greatest{};
  for (size_t i = 0; i < 2 * kLanes; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float magnitude = std::abs(points[i + lane]);
      greatest[lane] = greatest[lane] < magnitude ? magnitude : greatest[lane];
    }
  }
  return *std::ranges::max_element(greatest);
}

}  // namespace

void TruePeak::set_rate(int rate) {
  factor_ = kLeastFactor;
  while (factor_ * static_cast<size_t>(rate) < kLeastRate) factor_ *= 2;
  phases_.assign(factor_, {});
  for (size_t phase = 0; phase < factor_; ++phase) {
    double sum = 0;
    std::array<double, kTaps> taps;
    for (size_t k = 0; k < kTaps; ++k) {
      const double place = static_cast<double>(phase) / static_cast<double>(factor_);
      const double distance = place + kTaps / 2 - 1 - static_cast<double>(k);
      taps[k] = sinc(distance) * kaiser(distance / (kTaps / 2));
      sum += taps[k];
    }
    for (size_t k = 0; k < kTaps; ++k) phases_[phase][k] = static_cast<float>(taps[k] / sum);
  }
  const auto longest = static_cast<size_t>(rate / kFramesPerSecond + 1);
  samples_.assign(kHistory + longest + kTaps + kLanes, 0);
  points_.assign(2 * samples_.size(), 0);
  greatest_ = 0;
  reset();
}

void TruePeak::feed(std::span<const float> interleaved, size_t first, size_t stride) {
  const size_t count = interleaved.size() / stride;
  if (!count) return;
  if (empty_) std::fill_n(samples_.begin(), kHistory, interleaved[first]);
  empty_ = false;
  float* next = samples_.data() + kHistory;
  for (size_t i = 0; i < count; ++i) {
    next[i] = interleaved[first + i * stride];
    greatest_ = std::max(greatest_, std::abs(next[i]));
  }
  interpolate_halves(count);
  // Behind samples that were heard before the last take(): counts if it is more than was taken.
  constexpr size_t kFirst = kHistory - kLag;
  const size_t old = std::min(old_, count);
  float late = taken_;
  search(kFirst, kFirst + old, late);
  if (late > taken_) greatest_ = std::max(greatest_, late);
  old_ -= old;
  search(kFirst + old, kFirst + count, greatest_);
  std::copy_n(samples_.begin() + static_cast<ptrdiff_t>(count), kHistory, samples_.begin());
}

/// points_[2 i] is sample i, points_[2 i + 1] half-way to the next.
void TruePeak::interpolate_halves(size_t samples) {
  constexpr size_t kFirst = kHistory - kLag - 1;
  const Phase& half = phases_[factor_ / 2];
  for (size_t i = kFirst; i <= kFirst + samples + 2; i += kLanes) {
    const float* around = samples_.data() + i + 1 - kTaps / 2;
    std::array<float, kLanes> sums{};
    for (size_t k = 0; k < kTaps; ++k) {
      for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += half[k] * around[k + lane];
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      points_[2 * (i + lane)] = samples_[i + lane];
      points_[2 * (i + lane) + 1] = sums[lane];
    }
  }
}

/// Behind the samples from `begin` to `end`, for what is greater than `greatest`.
void TruePeak::search(size_t begin, size_t end, float& greatest) const {
  for (size_t i = begin; i < end; i += kLanes) {
    const float* points = points_.data() + 2 * i;
    if (std::max(greatest_of(points), std::abs(points[2 * kLanes])) < kNear * greatest) continue;
    const size_t last = 2 * std::min(i + kLanes, end);
    for (size_t point = 2 * i; point < last; ++point) search_interval(point, greatest);
  }
}

/// From `point` to the next.
void TruePeak::search_interval(size_t point, float& greatest) const {
  const float* at = points_.data() + point;
  const float before = std::abs(at[-1] - 2 * at[0] + at[1]);
  const float after = std::abs(at[0] - 2 * at[1] + at[2]);
  const float ends = std::max(std::abs(at[0]), std::abs(at[1]));
  if (ends + kCurvature * std::max(before, after) <= greatest) return;
  greatest = std::max(greatest, ends);
  const size_t first_phase = point % 2 ? factor_ / 2 : 0;
  const float* around = samples_.data() + point / 2 + 1 - kTaps / 2;
  for (size_t phase = first_phase + 1; phase < first_phase + factor_ / 2; ++phase) {
    greatest = std::max(greatest, magnitude_at(around, phases_[phase]));
  }
}

float TruePeak::take() {
  taken_ = std::exchange(greatest_, 0.0f);
  old_ = kLag;
  return taken_;
}

void TruePeak::reset() {
  empty_ = true;
  old_ = 0;
}

void TruePeakMeter::set_format(int rate, size_t channels) {
  channels_.resize(channels);
  for (TruePeak& channel : channels_) channel.set_rate(rate);
  heard_ = false;
}

void TruePeakMeter::frame(const AudioFrame& frame, BucketBoard&) {
  for (size_t i = 0; i < channels_.size(); ++i) {
    channels_[i].feed(frame.interleaved, i, channels_.size());
  }
  heard_ = true;
}

void TruePeakMeter::end_bucket(BucketBoard& board) {
  static const size_t index = BucketBoard::index_of("true_peak_dbtp");
  if (!heard_) return;
  float greatest = 0;
  for (TruePeak& channel : channels_) greatest = std::max(greatest, channel.take());
  board.add(index, amplitude_dbfs(greatest));
  heard_ = false;
}

void TruePeakMeter::reset() {
  for (TruePeak& channel : channels_) channel.reset();
}

}  // namespace dragoman

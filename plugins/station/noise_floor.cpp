// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/noise_floor.h"

#include <algorithm>

#include "plugins/station/level_meter.h"

namespace dragoman {
namespace {

constexpr double kNearMinimum = 2;  // noise does not rise further over its smoothed minimum
constexpr uint64_t kFewestFrames = 10;
constexpr double kAveragedFrames = 100;  // the mean's memory

}  // namespace

void NoiseFloor::track_minimum() {
  window_minimum_ = in_window_ ? std::min(window_minimum_, smoothed_) : smoothed_;
  if (++in_window_ >= kWindowFrames) {
    minima_[window_] = window_minimum_;
    window_ = (window_ + 1) % kWindows;
    windows_ = std::min(windows_ + 1, kWindows);
    in_window_ = 0;
  }
  double least = in_window_ ? window_minimum_ : smoothed_;
  for (size_t i = 0; i < windows_; ++i) least = std::min(least, minima_[i]);
  minimum_ = std::max(least, kSilencePower);
}

void NoiseFloor::add(double power, bool speech) {
  power = std::max(power, kSilencePower);
  if (!frames_++) last_.fill(power);
  last_[frames_ % last_.size()] = power;
  smoothed_ = (last_[0] + last_[1] + last_[2]) / 3;
  track_minimum();
  if (!speech && power < kNearMinimum * minimum_) {
    averaged_frames_ = std::min(averaged_frames_ + 1, kAveragedFrames);
    mean_ += (power - mean_) / averaged_frames_;
  }
  // The noise has fallen under what was averaged, risen over it, or was not heard alone yet.
  if (!averaged_frames_ || mean_ > kNearMinimum * minimum_ || mean_ < minimum_) {
    mean_ = minimum_;
    averaged_frames_ = std::min(averaged_frames_, 5.0);
  }
}

void NoiseFloor::restart(double power) {
  *this = {};
  add(power, false);
}

void NoiseAverage::add(double power) {
  const double cell = power_dbfs(power) - kSilenceDbfs;
  const size_t at = std::min(static_cast<size_t>(cell), kCells - 1);
  ++counts_[at];
  sums_[at] += std::max(power, kSilencePower);
}

void NoiseAverage::end_part(double minimum) {
  const double top = power_dbfs(kNearMinimum * minimum) - kSilenceDbfs;
  const size_t cells = std::min(static_cast<size_t>(top) + 1, kCells);
  uint64_t count = 0;
  double sum = 0;
  for (size_t i = 0; i < cells; ++i) {
    count += counts_[i];
    sum += sums_[i];
  }
  if (count < kFewestFrames) return;
  count_ += count;
  sum_ += sum;
  counts_ = {};
  sums_ = {};
}

std::optional<double> NoiseAverage::power() const {
  if (!count_) return std::nullopt;
  return sum_ / static_cast<double>(count_);
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/noise_floor.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr double kSmoothing = 0.3;       // of frame powers: about 100 ms
constexpr double kNearMinimum = 4;       // noise does not rise further over its smoothed minimum
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
  smoothed_ = frames_ ? smoothed_ + kSmoothing * (power - smoothed_) : power;
  ++frames_;
  track_minimum();
  averaged_ = !speech && power < kNearMinimum * minimum_;
  if (averaged_) {
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

}  // namespace dragoman

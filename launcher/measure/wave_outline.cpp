// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/wave_outline.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

double WaveOutline::Point::rms() const {
  return samples ? std::sqrt(square_sum / static_cast<double>(samples)) : 0;
}

void WaveOutline::add(std::span<const float> samples) {
  for (const float sample : samples) {
    if (points_.empty() || points_.back().samples == per_point_) {
      if (points_.size() == kMaxPoints) join_neighbours();
      points_.push_back({sample, sample, 0, 0});
    }
    Point& point = points_.back();
    point.low = std::min(point.low, sample);
    point.high = std::max(point.high, sample);
    point.square_sum += static_cast<double>(sample) * sample;
    ++point.samples;
  }
}

void WaveOutline::join_neighbours() {
  for (size_t i = 0; i + 1 < points_.size(); i += 2) {
    const Point &first = points_[i], &second = points_[i + 1];
    points_[i / 2] = {std::min(first.low, second.low), std::max(first.high, second.high),
                      first.square_sum + second.square_sum, first.samples + second.samples};
  }
  points_.resize(points_.size() / 2);
  per_point_ *= 2;
}

}  // namespace dragoman

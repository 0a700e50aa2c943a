// SPDX-License-Identifier: LGPL-2.1-or-later
// A sound's shape over time, in few points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// Lowest, highest and RMS value of equal stretches of a sound of any length. Points are as short
/// as their number allows: when there are kMaxPoints, neighbours are joined. Full scale is 1. One
/// thread.
class WaveOutline {
 public:
  static constexpr size_t kMaxPoints = 4096;

  struct Point {
    float low = 0, high = 0;
    double square_sum = 0;
    uint64_t samples = 0;  ///< all but the last have the same number

    double rms() const;
  };

  void add(std::span<const float> samples);
  const std::vector<Point>& points() const { return points_; }

 private:
  void join_neighbours();

  std::vector<Point> points_;
  uint64_t per_point_ = 1;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/level_histogram.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {
constexpr double kLowest = -100, kHighest = 20, kCellsPerDb = 20;
}  // namespace

LevelHistogram::LevelHistogram()
    : cells_(static_cast<size_t>((kHighest - kLowest) * kCellsPerDb) + 1) {}

void LevelHistogram::add(double db) {
  const double cell = (std::clamp(db, kLowest, kHighest) - kLowest) * kCellsPerDb;
  ++cells_[static_cast<size_t>(std::lround(cell))];
  ++count_;
}

/// The level of `rank`, the lowest being 0.
double LevelHistogram::ranked(uint64_t rank) const {
  uint64_t seen = 0;
  size_t cell = 0;
  while (cell + 1 < cells_.size() && (seen += cells_[cell]) <= rank) ++cell;
  return kLowest + static_cast<double>(cell) / kCellsPerDb;
}

double LevelHistogram::percentile(double p) const {
  const double rank = p / 100 * static_cast<double>(count_ - 1);
  const auto below = static_cast<uint64_t>(rank);
  const double low = ranked(below);
  const double high = ranked(std::min(below + 1, count_ - 1));
  return low + (rank - static_cast<double>(below)) * (high - low);
}

void LevelHistogram::clear() {
  std::ranges::fill(cells_, 0);
  count_ = 0;
}

}  // namespace dragoman

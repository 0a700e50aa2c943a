// SPDX-License-Identifier: LGPL-2.1-or-later
// Percentiles of any number of levels in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dragoman {

/// Keeps a histogram of cells that are 0.05 dB wide, from -100 to 20 dB; levels outside count as
/// the nearest. Allocates when made only.
class LevelHistogram {
 public:
  LevelHistogram();

  void add(double db);
  uint64_t count() const { return count_; }
  /// The percentile `p` (0-100), linear between the two nearest ranks, as numpy.percentile; within
  /// 0.025 dB. Needs a level.
  double percentile(double p) const;
  void clear();

 private:
  double ranked(uint64_t rank) const;

  std::vector<uint32_t> cells_;
  uint64_t count_ = 0;
};

}  // namespace dragoman

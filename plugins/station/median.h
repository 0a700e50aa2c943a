// SPDX-License-Identifier: LGPL-2.1-or-later
// The median of any number of readings in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dragoman {

/// Keeps a histogram of cells that are 0.25 % wide, from 1 to 100 000 (of whatever unit); values
/// outside count as the nearest. Allocates when made only.
class Median {
 public:
  Median();

  void add(double value);
  /// Within 0.13 % of the (lower) median; 0 without readings.
  double value() const;
  void clear();

 private:
  std::vector<uint32_t> cells_;
  uint64_t count_ = 0;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// A percentile of any number of readings in bounded memory.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace dragoman {

/// Exact up to 4096 readings; of more, every second, fourth, … is kept. Allocates when made only.
class Percentile {
 public:
  Percentile() { values_.reserve(kMost); }

  void add(double value);
  /// The reading at rank ceil(share * count) (nearest rank), share 0 to 1; nothing without
  /// readings.
  std::optional<double> value(double share);
  void clear();

 private:
  static constexpr size_t kMost = 4096;

  std::vector<double> values_;
  size_t every_ = 1, passed_ = 0;
};

}  // namespace dragoman

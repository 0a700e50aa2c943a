// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/median.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {
constexpr double kCellRatio = 1.0025, kGreatest = 100'000;
const double kPerLog = 1 / std::log(kCellRatio);
}  // namespace

Median::Median() : cells_(static_cast<size_t>(std::log(kGreatest) * kPerLog) + 1) {}

void Median::add(double value) {
  const double cell = std::log(std::clamp(value, 1.0, kGreatest)) * kPerLog;
  ++cells_[std::min(static_cast<size_t>(cell), cells_.size() - 1)];
  ++count_;
}

double Median::value() const {
  const uint64_t half = (count_ + 1) / 2;
  uint64_t below = 0;
  for (size_t i = 0; i < cells_.size() && count_; ++i) {
    below += cells_[i];
    if (below >= half) return std::exp((static_cast<double>(i) + 0.5) / kPerLog);
  }
  return 0;
}

void Median::clear() {
  std::ranges::fill(cells_, 0);
  count_ = 0;
}

}  // namespace dragoman

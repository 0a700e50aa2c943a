// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/percentile.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

void Percentile::add(double value) {
  if (passed_++ % every_) return;
  if (values_.size() == kMost) {
    for (size_t i = 0; i < kMost / 2; ++i) values_[i] = values_[2 * i];
    values_.resize(kMost / 2);
    every_ *= 2;
  }
  values_.push_back(value);
}

std::optional<double> Percentile::value(double share) {
  if (values_.empty()) return std::nullopt;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values_.size())));
  const auto at = values_.begin() + static_cast<ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
  std::nth_element(values_.begin(), at, values_.end());
  return *at;
}

void Percentile::clear() {
  values_.clear();
  every_ = 1;
  passed_ = 0;
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Sums that the compiler can keep in vector registers.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace dragoman {

inline constexpr size_t kLanes = 8;

/// The sum of term(k), a float, for all k under `count`. Floating-point sums have an order: kLanes
/// of them side by side may share a register, one alone may not.
template <typename Term>
double sum_of(size_t count, Term term) {
  std::array<float, kLanes> sums{};
  const size_t side_by_side = count / kLanes * kLanes;
  for (size_t k = 0; k < side_by_side; k += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += term(k + lane);
  }
  double sum = 0;
  for (float lane : sums) sum += lane;
  for (size_t k = side_by_side; k < count; ++k) sum += term(k);
  return sum;
}

inline double sum_of(std::span<const float> values) {
  return sum_of(values.size(), [values](size_t k) { return values[k]; });
}

}  // namespace dragoman

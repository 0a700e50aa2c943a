// SPDX-License-Identifier: LGPL-2.1-or-later
// Samples as everything measures them.
#pragma once

#include <cmath>
#include <cstdint>

namespace dragoman {

/// Full scale becomes 1.0. What is not a number or over 120 dBFS counts as 0: sums of squares stay
/// far from what a float can hold.
inline float normalized(int16_t sample) { return static_cast<float>(sample) * (1.0f / 32768); }
inline float normalized(float sample) {
  constexpr float kGreatest = 1e6f;
  return std::abs(sample) <= kGreatest ? sample : 0;
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Packet loss concealment for 16 kHz speech: the last pitch period again, fading out, in the manner
// of ITU-T G.711 appendix I. (spandsp's, behind spanplc, is made for 8 kHz: at 16 kHz it finds no
// pitch under 133 Hz and is silent after 25 ms.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// Keeps a short history of what was played and continues it. Not thread-safe.
class Concealer {
 public:
  static constexpr size_t kRate = 16000;
  /// Length of the made-up audio after which only silence is left.
  static constexpr size_t kFadeSamples = 60 * kRate / 1000;

  /// Real audio is played: joins it to what was made up before (changes its first 5 ms) and
  /// remembers it.
  void play(std::span<int16_t> samples);

  /// Makes up `out`; returns how many of its samples are not plain silence.
  size_t conceal(std::span<int16_t> out);

  /// Whether only silence is left (or nothing was played yet).
  bool exhausted() const { return filled_ == 0 || made_ >= kFadeSamples; }

  /// Whether made-up audio was the last.
  bool concealing() const { return made_ > 0; }

  /// Forgets everything.
  void reset();

 private:
  static constexpr size_t kLongestPeriod = kRate / 60;
  static constexpr size_t kShortestPeriod = kRate / 400;
  static constexpr size_t kWindow = 20 * kRate / 1000;
  static constexpr size_t kHistory = kLongestPeriod + kWindow;
  static constexpr size_t kJoin = 5 * kRate / 1000;

  size_t find_period() const;
  int16_t next();

  std::array<int16_t, kHistory> history_{};  // newest last
  size_t filled_ = 0;
  std::vector<int16_t> period_;
  size_t made_ = 0;
};

}  // namespace dragoman

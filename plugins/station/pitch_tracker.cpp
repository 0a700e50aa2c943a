// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/pitch_tracker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace dragoman {
namespace {

constexpr double kWindow = 0.025;      // seconds
constexpr double kLowPassHz = 600;     // over it a period is too few samples for a parabola
constexpr double kVoiced = 0.6;        // least height of the highest maximum
constexpr double kNearHighest = 0.92;  // height over the highest's, of the first that is taken
constexpr float kLeastPower = 1e-9f;   // -90 dBFS

using Lanes [[gnu::vector_size(16)]] = float;

Lanes lanes_at(const float* samples) {
  Lanes lanes;
  std::memcpy(&lanes, samples, sizeof lanes);
  return lanes;
}

/// `sums[l]` is the sum over i < `length` of a[i] * b[i + l]; the sums stay in registers, which a
/// loop over an array does not get from the compiler.
void products(const float* a, const float* b, size_t length, std::array<float, 16>& sums) {
  Lanes first{}, second{}, third{}, fourth{};
  for (size_t i = 0; i < length; ++i) {
    const Lanes factor = Lanes{} + a[i];
    first += factor * lanes_at(b + i);
    second += factor * lanes_at(b + i + 4);
    third += factor * lanes_at(b + i + 8);
    fourth += factor * lanes_at(b + i + 12);
  }
  const Lanes all[] = {first, second, third, fourth};
  std::memcpy(sums.data(), all, sizeof all);
}

}  // namespace

void PitchTracker::set_format(double rate) {
  rate_ = rate;
  window_ = static_cast<size_t>(kWindow * rate);
  const auto longest = static_cast<size_t>(rate / kLowestHz) + 2;
  lags_ = (longest + kBlock - 1) / kBlock * kBlock;
  history_.assign(lags_ + window_, 0);
  nsdf_.assign(lags_, 0);
  low_pass_ = second_low_pass_ = Biquad::low_pass(kLowPassHz, rate);
  reset();
}

void PitchTracker::reset() { std::ranges::fill(history_, 0.0f); }

void PitchTracker::feed(std::span<const float> samples) {
  const size_t count = std::min(samples.size(), history_.size());
  std::copy(history_.begin() + static_cast<ptrdiff_t>(count), history_.end(), history_.begin());
  std::ranges::transform(samples.last(count), history_.end() - static_cast<ptrdiff_t>(count),
                         [this](float sample) { return second_low_pass_(low_pass_(sample)); });
  low_pass_.settle();
  second_low_pass_.settle();
}

/// nsdf_[lag] = 2 r(lag) / m(lag), of the newest window and the one `lag` samples before.
void PitchTracker::correlate() {
  const float* newest = history_.data() + lags_;
  std::array<float, kBlock> sums;
  float energy = 0;
  for (size_t i = 0; i < window_; ++i) energy += newest[i] * newest[i];
  float before = energy;
  for (size_t first = 0; first < lags_; first += kBlock) {
    products(newest, newest - first - (kBlock - 1), window_, sums);
    for (size_t i = 0; i < kBlock; ++i) {
      const size_t lag = first + i;
      nsdf_[lag] = 2 * sums[kBlock - 1 - i] / std::max(energy + before, kLeastPower);
      const float* const start = newest - lag - 1;
      before += start[0] * start[0] - start[window_] * start[window_];
    }
  }
}

/// The maximum of the parabola through the value at `lag` and its neighbours.
PitchTracker::Peak PitchTracker::peak_at(size_t lag) const {
  const double left = nsdf_[lag - 1], middle = nsdf_[lag], right = nsdf_[lag + 1];
  const double bend = left - 2 * middle + right;
  const double shift = bend < 0 ? std::clamp(0.5 * (left - right) / bend, -0.5, 0.5) : 0;
  return {static_cast<double>(lag) + shift, middle - 0.25 * (left - right) * shift};
}

PitchTracker::Peak PitchTracker::choose() const {
  std::array<Peak, 16> peaks;
  size_t count = 0, lag = 1;
  while (lag < lags_ && nsdf_[lag] > 0) ++lag;  // what is left of lag 0
  Peak highest;
  while (lag + 1 < lags_ && count < peaks.size()) {
    while (lag + 1 < lags_ && nsdf_[lag] <= 0) ++lag;
    size_t top = lag;
    for (; lag + 1 < lags_ && nsdf_[lag] > 0; ++lag) {
      if (nsdf_[lag] > nsdf_[top]) top = lag;
    }
    const Peak peak = peak_at(std::min(top, lags_ - 2));
    const double hz = rate_ / peak.lag;
    if (hz < kLowestHz || hz > kHighestHz) continue;
    peaks[count++] = peak;
    if (peak.height > highest.height) highest = peak;
  }
  if (highest.height < kVoiced) return {};
  return *std::find_if(peaks.begin(), peaks.end(), [&](const Peak& peak) {
    return peak.height >= kNearHighest * highest.height;
  });
}

std::optional<double> PitchTracker::pitch() {
  correlate();
  const Peak period = choose();
  if (period.lag == 0) return std::nullopt;
  return rate_ / period.lag;
}

}  // namespace dragoman

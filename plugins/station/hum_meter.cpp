// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/hum_meter.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "plugins/station/lanes.h"

namespace dragoman {
namespace {

constexpr int kWindowRate = 1000;  // Hz, about
constexpr size_t kWindow = 1000;
constexpr size_t kTapsPerOutput = 14;
constexpr double kMainsHz[] = {50, 60};
constexpr int kHarmonics = 5;
constexpr size_t kLineHalf = 2, kNeighbourFrom = 4, kNeighbourTo = 7;  // bins beside the line
constexpr double kLeastPower = 1e-12;
constexpr double kMostDb = 100;

/// Low-pass for what is to keep every `factor`th sample, at half of what is left; sums to 1.
std::vector<float> low_pass(size_t factor) {
  const size_t count = kTapsPerOutput * factor;
  std::vector<double> taps(count);
  double sum = 0;
  for (size_t k = 0; k < count; ++k) {
    const double from_middle = static_cast<double>(k) - static_cast<double>(count - 1) / 2;
    const double turn = std::numbers::pi * from_middle / static_cast<double>(factor);
    const double sinc = from_middle == 0 ? 1 : std::sin(turn) / turn;
    const double place =
        2 * std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(count);
    taps[k] = sinc * (0.42 - 0.5 * std::cos(place) + 0.08 * std::cos(2 * place));
    sum += taps[k];
  }
  std::vector<float> scaled(count);
  std::ranges::transform(taps, scaled.begin(),
                         [sum](double tap) { return static_cast<float>(tap / sum); });
  return scaled;
}

struct Hum {
  double lines = 0, neighbours = 0;  ///< mean power of a bin

  double db() const { return std::min(kMostDb, 10 * std::log10(lines / neighbours)); }
};

Hum hum_at(double mains_hz, std::span<const float> power, double bin_hz) {
  Hum hum;
  for (int harmonic = 1; harmonic <= kHarmonics; ++harmonic) {
    const auto line = static_cast<size_t>(std::lround(harmonic * mains_hz / bin_hz));
    for (size_t k = line - kLineHalf; k <= line + kLineHalf; ++k) hum.lines += power[k];
    for (size_t away = kNeighbourFrom; away <= kNeighbourTo; ++away) {
      hum.neighbours += power[line - away] + power[line + away];
    }
  }
  hum.lines /= kHarmonics * (2 * kLineHalf + 1);
  hum.neighbours /= kHarmonics * 2 * (kNeighbourTo - kNeighbourFrom + 1);
  return hum;
}

}  // namespace

void HumMeter::set_format(int rate, size_t) {
  factor_ = static_cast<size_t>(rate / kWindowRate);
  taps_ = low_pass(factor_);
  history_.assign(taps_.size() + static_cast<size_t>(rate / kFramesPerSecond + 1), 0);
  window_.assign(kWindow, 0);
  fft_.set_length(kWindow);
  bin_hz_ = static_cast<double>(rate) / static_cast<double>(factor_ * kWindow);
  reset();
}

void HumMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  const size_t count = frame.mono.size();
  std::ranges::copy(frame.mono, history_.begin() + static_cast<ptrdiff_t>(taps_.size()));
  size_t at = until_next_;
  for (; at <= count; at += factor_) {
    window_[filled_++] = static_cast<float>(
        sum_of(taps_.size(), [taps = taps_.data(), samples = history_.data() + at](size_t k) {
          return taps[k] * samples[k];
        }));
    if (filled_ == kWindow) add_reading(board);
  }
  until_next_ = at - count;
  std::copy_n(history_.begin() + static_cast<ptrdiff_t>(count), taps_.size(), history_.begin());
}

void HumMeter::add_reading(BucketBoard& board) {
  static const size_t index = BucketBoard::index_of("hum_db");
  filled_ = 0;
  const std::span<const float> power = fft_.power(window_);
  std::optional<double> greatest;
  for (double mains_hz : kMainsHz) {
    const Hum hum = hum_at(mains_hz, power, bin_hz_);
    if (hum.lines + hum.neighbours >= kLeastPower && hum.lines > 0) {
      greatest = std::max(greatest.value_or(-kMostDb), hum.db());
    }
  }
  if (greatest) board.add(index, *greatest);
}

void HumMeter::reset() {
  filled_ = 0;
  until_next_ = factor_;
  std::ranges::fill(history_, 0.0f);
}

}  // namespace dragoman

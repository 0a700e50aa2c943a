// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/spectrogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>

namespace dragoman {
namespace {

constexpr double kWindowS = 0.032;
constexpr size_t kFirstOverlap = 8;  // windows begin an eighth of their length apart, later a half

size_t window_length(int rate) { return std::bit_ceil(static_cast<size_t>(rate * kWindowS)); }

}  // namespace

Spectrogram::Spectrogram(int rate) : rate_(rate) {
  fft_.set_length(window_length(rate));
  hop_ = fft_.length() / kFirstOverlap;
  pending_.assign(fft_.length() / 2, 0);
}

void Spectrogram::add(std::span<const float> samples) {
  pending_.insert(pending_.end(), samples.begin(), samples.end());
  // Of N samples a tone of RMS 1 has |X|^2 = N^2 / 8, and the bin's square is that over 3 N / 8.
  const auto scale = 3 / static_cast<float>(fft_.length());
  size_t used = 0;
  while (pending_.size() - used >= fft_.length()) {
    const auto bins = fft_(std::span(pending_).subspan(used, fft_.length()));
    Column power(bins.size());
    std::ranges::transform(bins, power.begin(), [&](auto bin) { return scale * std::norm(bin); });
    take(std::move(power));
    used += hop_;  // which take() may have lengthened
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
}

void Spectrogram::finish() { add(std::vector<float>(fft_.length() / 2)); }

void Spectrogram::take(Column&& power) {
  if (in_last_ > 0 && in_last_ < per_column_) {
    Column& last = columns_.back();
    const auto share = 1.0f / static_cast<float>(++in_last_);
    for (size_t bin = 0; bin < last.size(); ++bin) last[bin] += (power[bin] - last[bin]) * share;
    return;
  }
  if (columns_.size() == kMaxColumns) join_neighbours();
  columns_.push_back(std::move(power));
  in_last_ = 1;
}

/// From here on a column is twice as long: of windows twice as far apart, or twice as many.
void Spectrogram::join_neighbours() {
  for (size_t i = 0; i + 1 < columns_.size(); i += 2) {
    for (size_t bin = 0; bin < bins(); ++bin) {
      columns_[i / 2][bin] = (columns_[i][bin] + columns_[i + 1][bin]) / 2;
    }
  }
  columns_.resize(columns_.size() / 2);
  if (hop_ < fft_.length() / 2) {
    hop_ *= 2;
  } else {
    per_column_ *= 2;
  }
}

double Spectrogram::column_s() const { return static_cast<double>(hop_ * per_column_) / rate_; }

double Spectrogram::level_dbfs(size_t column, size_t bin) const {
  const double power = columns_[column][bin];
  return power > 0 ? std::max(kFloorDbfs, 10 * std::log10(power)) : kFloorDbfs;
}

double Spectrogram::peak_dbfs() const {
  double peak = kFloorDbfs;
  for (size_t column = 0; column < columns(); ++column) {
    const auto loudest = std::ranges::max_element(columns_[column]) - columns_[column].begin();
    peak = std::max(peak, level_dbfs(column, static_cast<size_t>(loudest)));
  }
  return peak;
}

}  // namespace dragoman

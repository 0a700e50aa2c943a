// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/spectrum_meter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plugins/station/lanes.h"
#include "plugins/station/level_meter.h"

namespace dragoman {
namespace {

constexpr size_t kFirstBin = 2;
constexpr double kLeastPower = 1e-6;  // -60 dBFS
constexpr double kRolloff = 0.85;
constexpr double kFloor = 1e-10;  // of the mean
constexpr double kVoiceLowHz = 300, kVoiceHighHz = 3400, kLowestOctaveHz = 125;

struct Indices {
  size_t centroid = BucketBoard::index_of("spectral_centroid_hz"),
         rolloff = BucketBoard::index_of("spectral_rolloff_hz"),
         bandwidth = BucketBoard::index_of("spectral_bandwidth_hz"),
         flatness = BucketBoard::index_of("spectral_flatness"),
         flux = BucketBoard::index_of("spectral_flux"),
         tilt = BucketBoard::index_of("spectral_tilt_db_per_octave"),
         low = BucketBoard::index_of("band_low_dbfs"),
         voice = BucketBoard::index_of("band_voice_dbfs"),
         high = BucketBoard::index_of("band_high_dbfs");
};

const Indices& indices() {
  static const Indices found;
  return found;
}

/// The first bin whose frequency is not under `hz`.
size_t bin_from(double hz, double bin_hz) { return static_cast<size_t>(std::ceil(hz / bin_hz)); }

}  // namespace

SpectrumMeter::SpectrumMeter(const BucketBoard& board)
    : wants_bands_(board.wants_any({"band_low_dbfs", "band_voice_dbfs", "band_high_dbfs"})),
      wants_moments_(board.wants_any({"spectral_centroid_hz", "spectral_bandwidth_hz"})),
      wants_rolloff_(board.wants(indices().rolloff)),
      wants_flatness_(board.wants(indices().flatness)),
      wants_flux_(board.wants(indices().flux)),
      wants_tilt_(board.wants(indices().tilt)) {}

void SpectrumMeter::set_format(int rate, size_t) {
  const size_t length = FrameSpectrum::window_length(rate);
  const size_t bins = length / 2 + 1;
  bin_hz_ = static_cast<double>(rate) / static_cast<double>(length);
  voice_begin_ = bin_from(kVoiceLowHz, bin_hz_);
  high_begin_ = std::min(bins, static_cast<size_t>(kVoiceHighHz / bin_hz_) + 1);
  octave_count_ = 0;
  for (double hz = kLowestOctaveHz; 2 * hz <= rate / 2.0; hz *= 2) {
    Octave octave{.begin = bin_from(hz, bin_hz_), .end = bin_from(2 * hz, bin_hz_)};
    for (size_t k = octave.begin; k < octave.end; ++k) {
      octave.middle += std::log2(static_cast<double>(k) * bin_hz_);
    }
    octave.middle /= static_cast<double>(octave.end - octave.begin);
    octaves_[octave_count_++] = octave;
  }
  before_.assign(bins - kFirstBin, 0);
  reset();
}

void SpectrumMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  const PowerSpectrum* spectrum = frame.spectrum ? frame.spectrum->current() : nullptr;
  const bool had_before = std::exchange(has_before_, false);
  if (!spectrum) return;
  if (wants_bands_) add_bands(spectrum->power, board);
  const std::span<const float> shape = spectrum->power.subspan(kFirstBin);
  const double total = sum_of(shape);
  if (total < kLeastPower) return;
  if (wants_moments_) add_moments(shape, total, board);
  if (wants_rolloff_) add_rolloff(shape, total, board);
  if (wants_flatness_) add_flatness(shape, total, board);
  if (wants_tilt_) add_tilt(*spectrum, total, board);
  if (!wants_flux_) return;
  has_before_ = had_before;
  add_flux(shape, total, board);
  has_before_ = true;
}

void SpectrumMeter::add_bands(std::span<const float> power, BucketBoard& board) const {
  const auto level = [&](size_t begin, size_t end) {
    return power_dbfs(sum_of(power.subspan(begin, end - begin)));
  };
  board.add(indices().low, level(0, voice_begin_));
  board.add(indices().voice, level(voice_begin_, high_begin_));
  if (high_begin_ < power.size()) board.add(indices().high, level(high_begin_, power.size()));
}

void SpectrumMeter::add_moments(std::span<const float> shape, double total,
                                BucketBoard& board) const {
  const double centre =
      sum_of(shape.size(), [&](size_t k) { return static_cast<float>(k) * shape[k]; }) / total;
  const auto about = static_cast<float>(centre);
  const double variance = sum_of(shape.size(),
                                 [&](size_t k) {
                                   const float distance = static_cast<float>(k) - about;
                                   return distance * distance * shape[k];
                                 }) /
                          total;
  board.add(indices().centroid, (centre + kFirstBin) * bin_hz_);
  board.add(indices().bandwidth, std::sqrt(variance) * bin_hz_);
}

void SpectrumMeter::add_rolloff(std::span<const float> shape, double total,
                                BucketBoard& board) const {
  const double enough = kRolloff * total;
  double sum = shape[0];
  size_t k = 0;
  while (sum < enough && k + 1 < shape.size()) sum += shape[++k];
  board.add(indices().rolloff, static_cast<double>(k + kFirstBin) * bin_hz_);
}

void SpectrumMeter::add_flatness(std::span<const float> shape, double total,
                                 BucketBoard& board) const {
  // The logarithm of the product of 16: it stays within the range of a double.
  constexpr size_t kTogether = 16;
  const auto bins = static_cast<double>(shape.size());
  const double per_mean = bins / total;
  double logarithms = 0;
  for (size_t k = 0; k < shape.size();) {
    double product = 1;
    for (const size_t end = std::min(k + kTogether, shape.size()); k < end; ++k) {
      product *= std::max(shape[k] * per_mean, kFloor);
    }
    logarithms += std::log(product);
  }
  board.add(indices().flatness, std::min(1.0, std::exp(logarithms / bins)));
}

void SpectrumMeter::add_flux(std::span<const float> shape, double total, BucketBoard& board) {
  const auto per_total = static_cast<float>(1 / total);
  const double squares = sum_of(shape.size(), [&](size_t k) {
    const float now = std::sqrt(shape[k] * per_total);
    const float change = now - before_[k];
    before_[k] = now;
    return change * change;
  });
  if (has_before_) board.add(indices().flux, std::min(1.0, std::sqrt(squares / 2)));
}

void SpectrumMeter::add_tilt(const PowerSpectrum& spectrum, double total,
                             BucketBoard& board) const {
  const double least = kFloor * total / static_cast<double>(spectrum.power.size() - kFirstBin);
  double x = 0, y = 0, xx = 0, xy = 0;
  for (size_t i = 0; i < octave_count_; ++i) {
    const Octave& octave = octaves_[i];
    const size_t bins = octave.end - octave.begin;
    const double mean =
        sum_of(spectrum.power.subspan(octave.begin, bins)) / static_cast<double>(bins);
    const double level = 10 * std::log10(std::max(mean, least));
    x += octave.middle;
    y += level;
    xx += octave.middle * octave.middle;
    xy += octave.middle * level;
  }
  const auto n = static_cast<double>(octave_count_);
  board.add(indices().tilt, (n * xy - x * y) / (n * xx - x * x));
}

void SpectrumMeter::reset() { has_before_ = false; }

}  // namespace dragoman

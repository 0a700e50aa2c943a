// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/lag_finder.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace dragoman {
namespace {

constexpr float kEmphasis = 1.0f;      // a constant offset goes
constexpr float kQuietPower = 1e-8f;   // -80 dBFS: less is not searched
constexpr double kApartS = 0.003;      // lags further apart than this are different ones
constexpr double kSecondBest = 0.85;   // of the best, at most
constexpr double kSilentShare = 1e-6;  // of the reference's energy: rounding must not match
constexpr int kPeaks = 5;
constexpr float kNear = 0.6f;  // of the greatest at half the rate
constexpr double kAlike = 1e-6;
constexpr size_t kLanes = 8;

double product(const float* a, const float* b, size_t count) {
  std::array<float, kLanes> sums{};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  double sum = 0;
  for (float part : sums) sum += static_cast<double>(part);
  for (; i < count; ++i) sum += static_cast<double>(a[i] * b[i]);
  return sum;
}

double energy(std::span<const float> samples) {
  return product(samples.data(), samples.data(), samples.size());
}

void differentiate(std::span<const float> from, std::span<float> to) {
  to[0] = 0;
  for (size_t i = 1; i < to.size(); ++i) to[i] = from[i] - kEmphasis * from[i - 1];
}

/// At half the rate, without what would fold, differentiated.
void halve(std::span<const float> from, std::span<float> to) {
  float last = 0;
  to[0] = 0;
  for (size_t i = 1; i + 1 < to.size(); ++i) {
    const float* at = &from[2 * i];
    const float smooth = at[-1] + 3 * at[0] + 3 * at[1] + at[2];
    to[i] = i > 1 ? smooth - last : 0;
    last = smooth;
  }
  to.back() = 0;
}

}  // namespace

LagFinder::LagFinder(double min_s, double max_s, double window_s, double least)
    : min_s_(min_s), max_s_(max_s), window_s_(window_s), least_(least) {
  set_rate(rate_);
}

void LagFinder::set_rate(int rate) {
  rate_ = rate;
  const auto samples = [&](double seconds) {
    return static_cast<size_t>(std::lround(seconds * rate));
  };
  window_.assign(samples(window_s_), 0);
  reference_.assign(window_.size() + samples(max_s_ - min_s_), 0);
  const auto coarse =
      static_cast<size_t>(gst_fft_next_fast_length(static_cast<gint>((reference_.size() + 1) / 2)));
  const size_t length = coarse + coarse % 2;
  coarse_reference_.assign(length, 0);
  coarse_window_.assign(length, 0);
  products_.assign(length, 0);
  reference_bins_.resize(length / 2 + 1);
  window_bins_.resize(length / 2 + 1);
  forward_.reset(gst_fft_f32_new(static_cast<gint>(length), FALSE));
  inverse_.reset(gst_fft_f32_new(static_cast<gint>(length), TRUE));
}

/// False if there is too little to compare.
bool LagFinder::prepare(std::span<const float> reference, std::span<const float> window) {
  heard_ = false;
  if (reference.size() < reference_.size() || window.size() < window_.size()) return false;
  const auto quiet = [](std::span<const float> samples) {
    return !(energy(samples) >=
             static_cast<double>(kQuietPower) * static_cast<double>(samples.size()));
  };
  if (quiet(window) || quiet(reference)) return false;
  differentiate(reference, reference_);
  differentiate(window, window_);
  window_energy_ = energy(window_);
  energy_ = energy(reference_);
  return heard_ = window_energy_ > 0 && energy_ > 0;
}

/// Normalised, with the sign of the polarity.
double LagFinder::correlation(size_t offset) const {
  const std::span<const float> part = std::span(reference_).subspan(offset, window_.size());
  const double part_energy = energy(part);
  if (!(part_energy >= kSilentShare * energy_)) return 0;
  return product(part.data(), window_.data(), window_.size()) /
         std::sqrt(part_energy * window_energy_);
}

/// The normalised correlation of all offsets at half the rate, in `products_`.
size_t LagFinder::correlate(std::span<const float> reference, std::span<const float> window) {
  halve(reference, std::span(coarse_reference_).first(reference_.size() / 2));
  halve(window, std::span(coarse_window_).first(window_.size() / 2));
  gst_fft_f32_fft(forward_.get(), coarse_reference_.data(), reference_bins_.data());
  gst_fft_f32_fft(forward_.get(), coarse_window_.data(), window_bins_.data());
  for (size_t i = 0; i < reference_bins_.size(); ++i) {
    const GstFFTF32Complex a = reference_bins_[i], b = window_bins_[i];
    reference_bins_[i] = {a.r * b.r + a.i * b.i, a.i * b.r - a.r * b.i};
  }
  gst_fft_f32_inverse_fft(inverse_.get(), reference_bins_.data(), products_.data());

  const size_t width = window_.size() / 2;
  const size_t count = reference_.size() / 2 - width + 1;
  double within = energy(std::span(coarse_reference_).first(width));
  const double floor = 1e-4 * within + kSilentShare * energy(coarse_reference_) + 1e-12;
  for (size_t k = 0; k < count; ++k) {
    products_[k] = std::abs(products_[k]) / std::sqrt(static_cast<float>(std::max(within, floor)));
    if (k + 1 == count) break;  // there is no sample after the last offset's
    const auto first = static_cast<double>(coarse_reference_[k]);
    const auto next = static_cast<double>(coarse_reference_[k + width]);
    within += next * next - first * first;
  }
  return count;
}

/// The best of the peaks, if it stands out. Between samples of half the rate a peak may look lower
/// than one of another period: those that come near are compared at the full rate.
std::optional<Lag> LagFinder::search(std::span<const float> reference,
                                     std::span<const float> window) {
  const std::span<float> products = std::span(products_).first(correlate(reference, window));
  const auto apart = static_cast<size_t>(kApartS * rate_ / 2);
  std::optional<Lag> best;
  double second = 0;
  float greatest = 0;
  for (int peak = 0; peak < kPeaks; ++peak) {
    const auto at = static_cast<size_t>(std::ranges::max_element(products) - products.begin());
    greatest = std::max(greatest, products[at]);
    if (!(products[at] >= kNear * greatest) || !(products[at] > 0)) break;
    const std::optional<Lag> lag = refine(2.0 * static_cast<double>(at), 3);
    const size_t from = at > apart ? at - apart : 0;
    const size_t to = std::min(products.size(), at + apart + 1);
    std::fill(products.begin() + static_cast<ptrdiff_t>(from),
              products.begin() + static_cast<ptrdiff_t>(to), 0.0f);
    if (!lag) continue;
    if (best) second = std::max(second, std::min(best->correlation, lag->correlation));
    if (!best || lag->correlation > best->correlation) best = lag;
  }
  if (!best || second > kSecondBest * best->correlation) return std::nullopt;
  return best;
}

/// The best offset within `reach` samples of `offset`.
std::optional<Lag> LagFinder::refine(double offset, int reach) {
  const auto last = static_cast<long>(reference_.size() - window_.size());
  const long from = std::max(0L, std::lround(offset) - reach);
  const long to = std::min(last, std::lround(offset) + reach);
  if (from > to) return std::nullopt;
  std::array<double, 32> values{};
  long best = std::clamp(std::lround(offset), from, to);  // should all be alike
  const auto value = [&](long at) -> double& { return values[static_cast<size_t>(at - from)]; };
  for (long at = from; at <= to; ++at) {
    value(at) = std::abs(correlation(static_cast<size_t>(at)));
  }
  for (long at = from; at <= to; ++at) {
    if (value(at) > value(best) + kAlike) best = at;
  }
  if (!(value(best) >= least_)) return std::nullopt;
  double between = 0;
  if (best > from && best < to) {
    const double curve = value(best - 1) - 2 * value(best) + value(best + 1);
    if (curve < 0) between = 0.5 * (value(best - 1) - value(best + 1)) / curve;
  }
  return Lag{.seconds = max_s_ - (static_cast<double>(best) + between) / rate_,
             .correlation = std::min(1.0, value(best))};
}

std::optional<Lag> LagFinder::find(std::span<const float> reference,
                                   std::span<const float> window) {
  if (!prepare(reference, window)) return std::nullopt;
  return search(reference, window);
}

std::optional<Lag> LagFinder::confirm(std::span<const float> reference,
                                      std::span<const float> window, double lag_s) {
  if (!prepare(reference, window)) return std::nullopt;
  return refine((max_s_ - lag_s) * rate_, 4);
}

}  // namespace dragoman

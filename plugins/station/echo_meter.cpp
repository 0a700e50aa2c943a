// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/echo_meter.h"

#include <algorithm>
#include <cmath>

#include "plugins/station/sample_clock.h"

namespace dragoman {
namespace {

constexpr int kFrameMs = 64;
constexpr uint64_t kStepNs = 48'000'000;
constexpr double kQuietFar = 1e-5;  // -50 dBFS
constexpr double kSilent = 1e-20;
constexpr double kTalkedOverDb = 10;    // over the least return
constexpr double kReturnRiseDb = 0.05;  // a frame
constexpr size_t kLeastFrames = 32;
constexpr double kChance = 4;  // standard deviations
constexpr double kMostDb = 60;
constexpr uint64_t kMostBackNs = 3'000'000'000;

double db(double ratio) { return 10 * std::log10(ratio); }

}  // namespace

void EchoMeter::Coherent::set_bins(size_t count) {
  cross.assign(count, {});
  weighed.assign(count, 0);
  power.assign(count, 0);
}

void EchoMeter::Coherent::clear() { set_bins(cross.size()); }

void EchoMeter::set_rate(int rate) {
  rate_ = rate;
  delay_.set_rate(rate);
  fft_.set_length(static_cast<size_t>(rate * kFrameMs / 2000 * 2));
  band_ = BandBins(rate, fft_.length());
  for (auto* samples : {&far_samples_, &pre_samples_, &post_samples_}) {
    samples->assign(fft_.length(), 0);
  }
  far_bins_.assign(band_.count(), {});
  far_weighed_.assign(band_.count(), 0);
  far_power_.assign(band_.count(), 0);
  pre_.set_bins(band_.count());
  post_.set_bins(band_.count());
  reset();
}

void EchoMeter::reset() {
  delay_.reset();
  least_return_db_.reset();
  next_utc_ = 0;
  clear();
}

void EchoMeter::clear() {
  std::ranges::fill(far_weighed_, 0.0f);
  std::ranges::fill(far_power_, 0.0f);
  pre_.clear();
  post_.clear();
  frames_ = 0;
}

double EchoMeter::power(std::span<const std::complex<float>> bins) const {
  float sum = 0;
  for (size_t i = 0; i < bins.size(); ++i) sum += std::norm(bins[i]);
  return static_cast<double>(sum) * 2 / static_cast<double>(fft_.length());
}

/// Whether the tap's frame can be the far end's echo alone.
bool EchoMeter::is_echo_only(double far_power, double pre_power) {
  if (!(far_power >= kQuietFar) || !(pre_power > kSilent)) return false;
  const double come_back = db(pre_power / far_power);
  least_return_db_ =
      least_return_db_ ? std::min(come_back, *least_return_db_ + kReturnRiseDb) : come_back;
  return come_back < *least_return_db_ + kTalkedOverDb;
}

void EchoMeter::add(Coherent& tap, std::span<const std::complex<float>> bins, float weight) {
  for (size_t i = 0; i < bins.size(); ++i) {
    const float tap_power = std::norm(bins[i]);
    tap.cross[i] += weight * (std::conj(far_bins_[i]) * bins[i]);
    tap.weighed[i] += weight * tap_power;
    tap.power[i] += tap_power;
  }
}

/// Adds the frame that was copied.
void EchoMeter::take_frame() {
  const auto in_band = [&](std::span<const float> samples) {
    return fft_(samples).subspan(band_.first, band_.count());
  };
  std::ranges::copy(in_band(far_samples_), far_bins_.begin());
  const auto bins = in_band(pre_samples_);
  const double pre_power = power(bins);
  if (!is_echo_only(power(far_bins_), pre_power)) return;
  const auto weight = static_cast<float>(1 / pre_power);
  add(pre_, bins, weight);
  for (size_t i = 0; i < far_bins_.size(); ++i) {
    far_weighed_[i] += weight * std::norm(far_bins_[i]);
    far_power_[i] += std::norm(far_bins_[i]);
  }
  ++frames_;
  add(post_, in_band(post_samples_), weight);
}

void EchoMeter::listen(const TapLog& far, const TapLog& pre, const TapLog& post, int64_t lag_ns) {
  if (far.rate() != rate_ || pre.rate() != rate_ || post.rate() != rate_) return;
  const std::optional<int64_t> before = delay_.lag_ns();
  delay_.update(far, pre);
  const std::optional<int64_t> delay = delay_.lag_ns();
  if (!delay) return;
  if (before && std::abs(*before - *delay) > 1'000'000) clear();  // another path
  const auto shifted = [](uint64_t utc, int64_t by) { return utc + static_cast<uint64_t>(by); };
  // The far end is another thread's: it may be behind.
  const uint64_t ends[] = {far.audio_end(), pre.audio_end(), post.audio_end()};
  if (std::ranges::min(ends) < 2 * kMostBackNs) return;
  const uint64_t end = std::min({shifted(ends[0], *delay), ends[1], shifted(ends[2], -lag_ns)});
  const uint64_t length = frames_to_ns(fft_.length(), rate_);
  next_utc_ = std::max(next_utc_, end - kMostBackNs);
  for (; next_utc_ + length <= end; next_utc_ += kStepNs) {
    // What is missing now is a hole and does not come any more.
    if (far.copy_audio(shifted(next_utc_, -*delay), far_samples_) &&
        pre.copy_audio(next_utc_, pre_samples_) &&
        post.copy_audio(shifted(next_utc_, lag_ns), post_samples_)) {
      take_frame();
    }
  }
}

/// Of the power of a tap, what is coherent with the far end: |H|² times the far end's, where H is
/// the weighed least-squares path, less what as many frames of noise would give.
EchoMeter::Echo EchoMeter::echo(const Coherent& tap) const {
  const auto frames = static_cast<double>(frames_);
  Echo echo;
  double variance = 0;
  for (size_t i = 0; i < tap.cross.size(); ++i) {
    const auto far = static_cast<double>(far_weighed_[i]);
    const auto own = static_cast<double>(tap.weighed[i]);
    if (far <= 0 || own <= 0) continue;
    const double coherence = static_cast<double>(std::norm(tap.cross[i])) / (far * own);
    const double unit = own / far * static_cast<double>(far_power_[i]);  // at coherence 1
    echo.power += (coherence - 1 / frames) / (1 - 1 / frames) * unit;
    variance += unit * unit;
  }
  echo.chance = kChance * std::sqrt(variance) / frames;
  return echo;
}

void EchoMeter::end_bucket(BucketBoard& board) {
  static const size_t loss = BucketBoard::index_of("echo_return_loss_db"),
                      enhancement = BucketBoard::index_of("echo_return_loss_enhancement_db");
  if (delay_.lag_ns() && frames_ >= kLeastFrames) {
    double far = 0;
    for (float power : far_power_) far += static_cast<double>(power);
    const Echo before = echo(pre_), after = echo(post_);
    if (before.power > before.chance && far > 0) {
      board.add(loss, db(far / before.power));
      const double left = std::max(after.power, after.chance);
      if (left > 0) board.add(enhancement, std::min(kMostDb, db(before.power / left)));
    }
  }
  clear();
}

}  // namespace dragoman

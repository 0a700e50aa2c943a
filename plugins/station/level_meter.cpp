// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/level_meter.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

// The largest positive 16-bit value: a clipped signal reaches it in either polarity and format.
constexpr double kFullScale = 32767.0 / 32768.0;

double normalized(int16_t sample) { return sample / 32768.0; }
double normalized(float sample) { return std::isfinite(sample) ? sample : 0; }

double dbfs(double amplitude) {
  return amplitude > 0 ? std::max(kSilenceDbfs, 20 * std::log10(amplitude)) : kSilenceDbfs;
}

}  // namespace

LevelSums& LevelSums::operator+=(const LevelSums& other) {
  samples += other.samples;
  sum += other.sum;
  square_sum += other.square_sum;
  peak = std::max(peak, other.peak);
  clipped += other.clipped;
  return *this;
}

LevelReading LevelSums::reading() const {
  LevelReading reading;
  if (!samples) return reading;
  const auto n = static_cast<double>(samples);
  const double rms = std::sqrt(square_sum / n);
  reading.rms_dbfs = dbfs(rms);
  reading.peak_dbfs = dbfs(peak);
  if (rms > 0) reading.crest_db = 20 * std::log10(peak / rms);
  reading.dc_offset = sum / n;
  reading.clipping_ratio = static_cast<double>(clipped) / n;
  reading.silent = reading.rms_dbfs < kSilentFrameDbfs;
  return reading;
}

void LevelMeter::set_format(int rate, size_t channels) {
  rate_ = rate;
  channels_ = channels;
  reset();
}

uint64_t LevelMeter::frame_end() const {
  return (frame_ + 1) * static_cast<unsigned>(rate_) / kFramesPerSecond;
}

template <typename Sample>
void LevelMeter::feed_samples(std::span<const Sample> samples) {
  for (size_t i = 0; i + channels_ <= samples.size(); i += channels_) {
    for (size_t channel = 0; channel < channels_; ++channel) {
      const double value = normalized(samples[i + channel]);
      const double magnitude = std::abs(value);
      current_.sum += value;
      current_.square_sum += value * value;
      current_.peak = std::max(current_.peak, magnitude);
      count_run(runs_[channel], magnitude >= kFullScale);
    }
    current_.samples += channels_;
    if (held_ && std::ranges::all_of(runs_, [](const Run& run) { return run.in_held == 0; })) {
      release_held();
    }
    if (++position_ == frame_end()) end_frame();
  }
}

void LevelMeter::feed(std::span<const int16_t> samples) { feed_samples(samples); }
void LevelMeter::feed(std::span<const float> samples) { feed_samples(samples); }

void LevelMeter::count_run(Run& run, bool full_scale) {
  if (!full_scale) {
    run = {};
  } else if (++run.length == kClipRun) {
    if (held_) held_->clipped += run.in_held;
    current_.clipped += kClipRun - run.in_held;
    run.in_held = 0;
  } else if (run.length > kClipRun) {
    ++current_.clipped;
  }
}

void LevelMeter::end_frame() {
  ++frame_;
  held_ = current_;
  current_ = {};
  bool open = false;
  for (Run& run : runs_) {
    run.in_held = run.length < kClipRun ? run.length : 0;
    open = open || run.in_held;
  }
  if (!open) release_held();
}

void LevelMeter::release_held() {
  sink_(*held_);
  held_.reset();
}

void LevelMeter::finish() {
  if (held_) release_held();
  if (current_.samples) sink_(current_);
  reset();
}

void LevelMeter::reset() {
  frame_ = 0;
  position_ = 0;
  current_ = {};
  held_.reset();
  runs_ = {};
}

}  // namespace dragoman

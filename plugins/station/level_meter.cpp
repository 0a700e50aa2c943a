// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/level_meter.h"

#include <algorithm>
#include <cmath>

#include "plugins/station/lanes.h"

namespace dragoman {
namespace {

// The largest positive 16-bit value: a clipped signal reaches it in either polarity and format.
constexpr float kFullScale = 32767.0f / 32768.0f;
constexpr unsigned kClipRun = 3;
constexpr double kRangeHigh = 95, kRangeLow = 10;
constexpr uint64_t kRangeFrames = 2;

struct Indices {
  size_t level = BucketBoard::index_of("audio_level_dbfs"),
         peak = BucketBoard::index_of("peak_dbfs"),
         crest = BucketBoard::index_of("crest_factor_db"),
         offset = BucketBoard::index_of("dc_offset"),
         clipping = BucketBoard::index_of("clipping_ratio"),
         silence = BucketBoard::index_of("silence_ratio"),
         range = BucketBoard::index_of("dynamic_range_db");
};

const Indices& indices() {
  static const Indices found;
  return found;
}

void add_clipping(BucketBoard& board, const std::optional<ClippingRuns::Count>& count) {
  if (!count) return;
  const auto samples = static_cast<double>(count->samples);
  board.add(indices().clipping, static_cast<double>(count->clipped) / samples, samples);
}

}  // namespace

double power_dbfs(double mean_square) {
  return mean_square > 0 ? std::max(kSilenceDbfs, 10 * std::log10(mean_square)) : kSilenceDbfs;
}

double amplitude_dbfs(double amplitude) { return power_dbfs(amplitude * amplitude); }

LevelSums& LevelSums::operator+=(const LevelSums& other) {
  samples += other.samples;
  sum += other.sum;
  square_sum += other.square_sum;
  peak = std::max(peak, other.peak);
  return *this;
}

LevelReading LevelSums::reading() const {
  LevelReading reading;
  if (!samples) return reading;
  const auto n = static_cast<double>(samples);
  const double power = square_sum / n;
  reading.rms_dbfs = power_dbfs(power);
  reading.peak_dbfs = amplitude_dbfs(peak);
  if (power > 0) reading.crest_db = 10 * std::log10(peak * peak / power);
  reading.dc_offset = sum / n;
  reading.silent = reading.rms_dbfs < kSilentFrameDbfs;
  return reading;
}

LevelSums level_sums(std::span<const float> samples) {
  std::array<float, kLanes> sum{}, squares{}, peak{};
  size_t i = 0;
  for (; i + kLanes <= samples.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float x = samples[i + lane];
      const float magnitude = std::abs(x);
      sum[lane] += x;
      squares[lane] += x * x;
      peak[lane] = peak[lane] < magnitude ? magnitude : peak[lane];
    }
  }
  LevelSums sums{.samples = samples.size()};
  const auto add = [&sums](double x, double square, double magnitude) {
    sums.sum += x;
    sums.square_sum += square;
    sums.peak = std::max(sums.peak, magnitude);
  };
  for (size_t lane = 0; lane < kLanes; ++lane) add(sum[lane], squares[lane], peak[lane]);
  for (; i < samples.size(); ++i) {
    const double x = samples[i];
    add(x, x * x, std::abs(x));
  }
  return sums;
}

void ClippingRuns::scan(Run& run, std::span<const float> interleaved, size_t channel,
                        size_t channels) {
  for (size_t i = channel; i < interleaved.size(); i += channels) {
    if (std::abs(interleaved[i]) < kFullScale) {
      run = {};
      continue;
    }
    ++run.in_current;
    if (++run.length == kClipRun) {
      if (held_) held_->clipped += run.in_held;
      current_.clipped += run.in_current;
    } else if (run.length > kClipRun) {
      ++current_.clipped;
    }
  }
}

std::optional<ClippingRuns::Count> ClippingRuns::frame(std::span<const float> interleaved,
                                                       size_t channels, double peak) {
  current_ = {0, interleaved.size()};
  for (size_t channel = 0; channel < channels; ++channel) {
    if (peak < kFullScale) {
      runs_[channel] = {};
    } else {
      scan(runs_[channel], interleaved, channel, channels);
    }
  }
  for (Run& run : runs_) {
    run.in_held = run.length < kClipRun ? run.in_current : 0;
    run.in_current = 0;
  }
  const std::optional<Count> before = held_;
  held_ = current_;
  return before;
}

std::optional<ClippingRuns::Count> ClippingRuns::flush() {
  for (Run& run : runs_) run.in_held = 0;
  const std::optional<Count> last = held_;
  held_.reset();
  return last;
}

void ClippingRuns::interrupt() { runs_ = {}; }

void LevelMeter::set_format(int, size_t) {
  bucket_ = {};
  clipping_ = {};
  levels_.clear();
}

void LevelMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  const LevelSums sums = level_sums(frame.interleaved);
  const LevelReading reading = sums.reading();
  const auto share = static_cast<double>(sums.samples);
  const Indices& index = indices();
  board.add(index.level, reading.rms_dbfs, share);
  board.add(index.peak, reading.peak_dbfs);
  board.add(index.offset, reading.dc_offset, share);
  board.add(index.silence, reading.silent ? 1 : 0);
  add_clipping(board, clipping_.frame(frame.interleaved, frame.channels, sums.peak));
  levels_.add(reading.rms_dbfs);
  bucket_ += sums;
}

void LevelMeter::end_bucket(BucketBoard& board) {
  add_clipping(board, clipping_.flush());
  if (levels_.count() >= kRangeFrames) {
    board.add(indices().range, levels_.percentile(kRangeHigh) - levels_.percentile(kRangeLow));
  }
  levels_.clear();
  if (const auto crest = bucket_.reading().crest_db) board.add(indices().crest, *crest);
  bucket_ = {};
}

void LevelMeter::reset() { clipping_.interrupt(); }

}  // namespace dragoman

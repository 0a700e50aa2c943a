// SPDX-License-Identifier: LGPL-2.1-or-later
// Level, peak, crest factor, offset, clipping, silence and range of 20 ms frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "plugins/station/level_histogram.h"
#include "plugins/station/meter.h"

namespace dragoman {

/// Levels are never reported below this: digital silence.
inline constexpr double kSilenceDbfs = -100;
/// A frame whose RMS level is under this counts as silent.
inline constexpr double kSilentFrameDbfs = -60;

/// dBFS of an amplitude where full scale is 1, of a mean square; never under kSilenceDbfs.
double amplitude_dbfs(double amplitude);
double power_dbfs(double mean_square);

/// What one stretch of audio measures, all channels together. Levels are dBFS where a full-scale
/// square wave is 0 dBFS RMS, as sox's `stats` prints them.
struct LevelReading {
  double rms_dbfs = kSilenceDbfs;
  double peak_dbfs = kSilenceDbfs;
  std::optional<double> crest_db;  ///< peak over RMS; none in digital silence
  double dc_offset = 0;            ///< mean, of full scale
  bool silent = true;              ///< RMS under kSilentFrameDbfs
};

/// Sums of a stretch, from which its reading is made; those of stretches add up.
struct LevelSums {
  uint64_t samples = 0;
  double sum = 0, square_sum = 0, peak = 0;

  LevelSums& operator+=(const LevelSums& other);
  LevelReading reading() const;
};

/// Sums of all the samples, whatever their channels.
LevelSums level_sums(std::span<const float> samples);

/// Counts the samples that are in runs of 3 or more at full scale, each channel by itself. A run
/// that crosses from one frame into the next counts in both, each sample in its own: what a frame
/// counts is known when the next has come. A run of one or two samples before a flush() counts
/// nothing in them and goes on behind it.
class ClippingRuns {
 public:
  struct Count {
    uint64_t clipped = 0, samples = 0;
  };
  static constexpr size_t kMaxChannels = 2;

  /// The next frame, whose greatest magnitude is `peak`; returns the count of the one before.
  std::optional<Count> frame(std::span<const float> interleaved, size_t channels, double peak);
  /// The count of the last frame, as far as it is known.
  std::optional<Count> flush();
  /// No run goes on from here.
  void interrupt();

 private:
  struct Run {
    unsigned length = 0;
    unsigned in_held = 0, in_current = 0;  ///< of its samples, those of either frame
  };
  void scan(Run& run, std::span<const float> interleaved, size_t channel, size_t channels);

  std::array<Run, kMaxChannels> runs_;
  std::optional<Count> held_;
  Count current_;
};

/// audio_level_dbfs, peak_dbfs, dc_offset, clipping_ratio, silence_ratio: a reading of each frame,
/// all channels together; the means are those of the bucket's samples, a short frame counts by what
/// it has, but of silence_ratio, which counts frames. crest_factor_db: one reading a bucket, its
/// peak over its RMS. dynamic_range_db: one reading a bucket, the 95th less the 10th percentile of
/// the RMS levels of its frames (linear between ranks, as numpy.percentile; within 0.05 dB), absent
/// with less than two frames. Allocates when made only. One thread.
class LevelMeter : public Meter {
 public:
  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard& board) override;
  void reset() override;

 private:
  ClippingRuns clipping_;
  LevelHistogram levels_;
  LevelSums bucket_;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Level, peak, crest factor, offset, clipping and silence of 20 ms frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "plugins/station/meter.h"

namespace dragoman {

/// Levels are never reported below this: digital silence.
inline constexpr double kSilenceDbfs = -100;
/// A frame whose RMS level is under this counts as silent.
inline constexpr double kSilentFrameDbfs = -60;

/// What one stretch of audio measures, all channels together. Levels are dBFS where a full-scale
/// square wave is 0 dBFS RMS, as sox's `stats` prints them.
struct LevelReading {
  double rms_dbfs = kSilenceDbfs;
  double peak_dbfs = kSilenceDbfs;
  std::optional<double> crest_db;  ///< peak over RMS; none in digital silence
  double dc_offset = 0;            ///< mean, of full scale
  double clipping_ratio = 0;       ///< samples in runs of 3 or more at full scale, 0-1
  bool silent = true;              ///< RMS under kSilentFrameDbfs
};

/// Sums of a stretch, from which its reading is made; those of stretches add up.
struct LevelSums {
  uint64_t samples = 0;
  double sum = 0, square_sum = 0, peak = 0;
  uint64_t clipped = 0;

  LevelSums& operator+=(const LevelSums& other);
  LevelReading reading() const;
};

/// Cuts a stream into frames and measures each. Frames are counted from the first sample after
/// finish() (a bucket's start), so neither the sizes of the spans nor their number changes a
/// figure. A run at full scale that crosses from one frame into the next counts in both, each
/// sample in its own: a frame is therefore reported up to two samples late. Allocates nothing. One
/// thread.
class LevelMeter {
 public:
  using Sink = std::function<void(const LevelSums&)>;
  static constexpr size_t kMaxChannels = 2;

  /// Calls `sink` for each frame, within feed() and finish().
  explicit LevelMeter(Sink sink) : sink_(std::move(sink)) {}

  /// Rate in Hz and 1 or 2 channels; forgets what was fed and not reported.
  void set_format(int rate, size_t channels);

  /// Interleaved samples, whole sample frames. Full scale of floats is 1.0; what is not finite
  /// counts as 0.
  void feed(std::span<const int16_t> samples);
  void feed(std::span<const float> samples);

  /// Reports what is left as a shorter frame. The next sample begins a new one.
  void finish();

  /// Forgets what was fed and not reported.
  void reset();

 private:
  /// A run of samples at full scale of one channel. While shorter than kClipRun it may yet turn out
  /// to be clipping.
  struct Run {
    unsigned length = 0;
    unsigned in_held = 0;  ///< of its samples, those in the frame held back
  };
  static constexpr unsigned kClipRun = 3;

  template <typename Sample>
  void feed_samples(std::span<const Sample> samples);
  void count_run(Run& run, bool full_scale);
  void end_frame();
  void release_held();
  uint64_t frame_end() const;

  Sink sink_;
  int rate_ = 0;
  size_t channels_ = 1;
  uint64_t frame_ = 0;     ///< number of the current frame
  uint64_t position_ = 0;  ///< sample frames since the last finish()
  LevelSums current_;
  std::optional<LevelSums> held_;  ///< complete but for a run that may go on
  std::array<Run, kMaxChannels> runs_;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Cuts a stream of any buffers into frames of 20 ms of floats.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "plugins/station/meter.h"

namespace dragoman {

/// Frames are counted from the first sample after finish() (a bucket's start). Allocates in
/// set_format() only. One thread.
class FrameCutter {
 public:
  using Sink = std::function<void(const AudioFrame&)>;

  /// Calls `sink` for each frame, within feed() and finish().
  explicit FrameCutter(Sink sink) : sink_(std::move(sink)) {}

  /// Rate in Hz and 1 or 2 channels; forgets what was fed and not reported.
  void set_format(int rate, size_t channels);

  /// Interleaved samples, whole sample frames. Full scale of floats is 1.0; what is not a number or
  /// over 120 dBFS counts as 0.
  void feed(std::span<const int16_t> samples);
  void feed(std::span<const float> samples);

  /// Reports what is left as a shorter frame. The next sample begins a new one.
  void finish();

  /// Forgets what was fed and not reported.
  void reset();

 private:
  template <typename Sample>
  void feed_samples(std::span<const Sample> samples);
  void end_frame();
  size_t frame_length() const;

  Sink sink_;
  int rate_ = 0;
  size_t channels_ = 1;
  uint64_t frame_ = 0;  ///< number of the current frame
  size_t filled_ = 0;   ///< samples in `interleaved_`, of all channels
  std::vector<float> interleaved_, mono_;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever comes in, as 16-bit mono of 16 kHz, without a seam between segments.
#pragma once

#include <gst/audio/audio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {

inline constexpr int kSegmentRate = 16000;

/// A conversion of one stream from its begin to drain(): output sample m is the input's time
/// m / 16000, and n input frames give n * 16000 / rate output samples, rounded. Not dithered: what
/// is 16-bit mono of 16 kHz already comes out as it is. One thread.
class SegmentConverter {
 public:
  using Sink = std::function<void(std::span<const int16_t>)>;

  /// Throws std::runtime_error if GStreamer cannot convert `input`.
  SegmentConverter(const GstAudioInfo& input, Sink sink);

  void convert(std::span<const std::byte> audio);
  void convert_silence(uint64_t frames);

  /// Gives out what is still inside; the next sample begins a new conversion.
  void drain();

  /// The output sample that the next input frame begins with, since the conversion began.
  uint64_t next_output() const { return output_of(in_frames_); }

 private:
  static constexpr size_t kSilenceFrames = 4096;

  uint64_t output_of(uint64_t in_frames) const;
  void run(const void* audio, size_t frames, uint64_t limit);

  GstAudioInfo input_;
  Sink sink_;
  std::unique_ptr<GstAudioConverter, Deleter<gst_audio_converter_free>> converter_;
  uint64_t in_frames_ = 0, out_frames_ = 0;
  std::vector<int16_t> out_;
  std::vector<std::byte> silence_;
};

}  // namespace dragoman

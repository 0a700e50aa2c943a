// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/frame_cutter.h"

#include <algorithm>

#include "plugins/station/normalized.h"

namespace dragoman {

void FrameCutter::set_format(int rate, size_t channels) {
  rate_ = rate;
  channels_ = channels;
  const auto longest = static_cast<size_t>(rate / kFramesPerSecond + 1);
  interleaved_.assign(longest * channels, 0);
  mono_.assign(longest, 0);
  reset();
}

/// Of the current frame, in sample frames: they differ by one where the rate is no multiple of 50.
size_t FrameCutter::frame_length() const {
  const auto rate = static_cast<uint64_t>(rate_);
  return (frame_ + 1) * rate / kFramesPerSecond - frame_ * rate / kFramesPerSecond;
}

template <typename Sample>
void FrameCutter::feed_samples(std::span<const Sample> samples) {
  while (!samples.empty()) {
    const size_t whole = frame_length() * channels_;
    const size_t count = std::min(samples.size(), whole - filled_);
    std::transform(samples.begin(), samples.begin() + static_cast<ptrdiff_t>(count),
                   interleaved_.begin() + static_cast<ptrdiff_t>(filled_),
                   [](Sample sample) { return normalized(sample); });
    filled_ += count;
    samples = samples.subspan(count);
    if (filled_ == whole) end_frame();
  }
}

void FrameCutter::feed(std::span<const int16_t> samples) { feed_samples(samples); }
void FrameCutter::feed(std::span<const float> samples) { feed_samples(samples); }

void FrameCutter::end_frame() {
  const std::span<const float> interleaved(interleaved_.data(), filled_);
  std::span<const float> mono = interleaved;
  if (channels_ == 2) {
    const size_t length = filled_ / 2;
    for (size_t i = 0; i < length; ++i) {
      mono_[i] = 0.5f * (interleaved[2 * i] + interleaved[2 * i + 1]);
    }
    mono = {mono_.data(), length};
  }
  ++frame_;
  filled_ = 0;
  sink_({interleaved, mono, channels_});
}

void FrameCutter::finish() {
  if (filled_) end_frame();
  reset();
}

void FrameCutter::reset() {
  frame_ = 0;
  filled_ = 0;
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// What measures audio: each meter knows a few parameters and puts its readings on the tap's board.
#pragma once

#include <cstddef>
#include <span>

#include "plugins/station/bucket_board.h"

namespace dragoman {

class FrameSpectrum;

/// Frames a second: 20 ms, the packets of telephony.
inline constexpr int kFramesPerSecond = 50;

/// One frame of a stream: 20 ms, less at the end of a stretch. Full scale is 1.0; all finite, and
/// far from where squares and their sums leave the range of a float (see FrameCutter).
struct AudioFrame {
  std::span<const float> interleaved;
  std::span<const float> mono;  ///< the mean of the channels
  size_t channels = 1;
  /// Asked for this frame's, computes it once for all meters; null where there is none.
  FrameSpectrum* spectrum = nullptr;
};

/// Frames are counted from each bucket's start, so the sizes of buffers change no figure. A meter
/// allocates in set_format() only, and within its first second. One thread.
class Meter {
 public:
  virtual ~Meter() = default;

  /// Rate in Hz and 1 or 2 channels; forgets what was heard.
  virtual void set_format(int rate, size_t channels) = 0;

  /// The next frame; readings of it, if any, go to `board`.
  virtual void frame(const AudioFrame& frame, BucketBoard& board) = 0;

  /// The bucket ends: readings of the whole bucket go to `board`. What spans buckets (a noise
  /// floor, a talk spurt, an integrated loudness) goes on.
  virtual void end_bucket(BucketBoard& board) = 0;

  /// A hole in the stream, `ms` are missing: forgets what must not cross it; readings of what it
  /// ends go to `board`. What the open bucket has gathered stays.
  virtual void hole([[maybe_unused]] double ms, [[maybe_unused]] BucketBoard& board) { reset(); }

  /// A new stream, the bucket has ended; or a hole, unless hole() is another.
  virtual void reset() = 0;
};

}  // namespace dragoman

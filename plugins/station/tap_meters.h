// SPDX-License-Identifier: LGPL-2.1-or-later
// All that a tap measures of its audio.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "plugins/station/bucket_board.h"
#include "plugins/station/frame_cutter.h"
#include "plugins/station/frame_spectrum.h"
#include "plugins/station/meter.h"
#include "plugins/station/voice_meter.h"

namespace dragoman {

/// Feeds the meters that `board` wants readings of. One thread.
class TapMeters {
 public:
  /// `board` outlives this.
  explicit TapMeters(BucketBoard& board);

  /// Called after each frame has been measured.
  using OnFrame = std::function<void(const AudioFrame&)>;
  void on_frame(OnFrame call) { on_frame_ = std::move(call); }

  /// Makes the meters anew for what the board wants now, and for this format. After finish(): what
  /// the meters before have gathered of the bucket goes to the board.
  void set_format(int rate, size_t channels);

  /// Interleaved samples, whole sample frames; see FrameCutter.
  void feed(std::span<const int16_t> samples);
  void feed(std::span<const float> samples);

  /// The stretch ends (a bucket, a hole, the stream): the last frame may be shorter.
  void finish();
  /// The bucket ends: after finish(), before the board's snapshot.
  void end_bucket();

  /// A hole in the stream, `ms` are missing: after finish(), and before end_bucket() if the hole
  /// ends the bucket.
  void hole(double ms);
  /// A new stream of the same format: after finish() and end_bucket().
  void reset();

  /// Of the last frame: speech, its power, the noise floor; null if nothing that the board wants
  /// needs it.
  const VoiceDetector* voice() const { return voice_ ? &voice_->detector() : nullptr; }
  /// The meter around it, which has the active speech level; null as voice() is.
  const VoiceMeter* voice_meter() const { return voice_; }

 private:
  void measure(AudioFrame frame);

  BucketBoard& board_;
  FrameCutter cutter_;
  FrameSpectrum spectrum_;
  std::vector<std::unique_ptr<Meter>> meters_;
  VoiceMeter* voice_ = nullptr;  ///< one of `meters_`
  OnFrame on_frame_;
};

}  // namespace dragoman

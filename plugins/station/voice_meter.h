// SPDX-License-Identifier: LGPL-2.1-or-later
// Voice activity, talk spurts and pauses of a tap.
#pragma once

#include <cstddef>

#include "plugins/station/meter.h"
#include "plugins/station/talk_spurts.h"
#include "plugins/station/voice_detector.h"

namespace dragoman {

/// Runs the one voice detector of a tap, and on it what the board wants:
///
/// * voice_activity_ratio: each frame 0 or 1, hangover included, weighed by its length.
/// * talk_spurt_count: 1 when a spurt begins. talk_spurt_mean_ms: a reading per spurt, in the
/// bucket
///   in which its end is known (200 ms after it); a spurt that is open when the stream ends has
///   none. pause_mean_ms: a reading per pause, when the spurt after it begins.
class VoiceMeter final : public Meter {
 public:
  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard& board) override;
  void reset() override;

  /// Of the frame measured last.
  const VoiceDetector& detector() const { return detector_; }

 private:
  void add_spurts(BucketBoard& board);

  VoiceDetector detector_;
  TalkSpurts spurts_;
};

}  // namespace dragoman

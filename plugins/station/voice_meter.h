// SPDX-License-Identifier: LGPL-2.1-or-later
// Voice activity, talk spurts and pauses, pitch, noise floor, speech level and SNR of a tap.
#pragma once

#include <cstddef>
#include <optional>

#include "plugins/station/meter.h"
#include "plugins/station/noise_floor.h"
#include "plugins/station/pitch_tracker.h"
#include "plugins/station/speech_level.h"
#include "plugins/station/talk_spurts.h"
#include "plugins/station/voice_detector.h"

namespace dragoman {

/// Runs the one voice detector of a tap, and on it what the board wants:
///
/// * voice_activity_ratio: each frame 0 or 1, hangover included, weighed by its length.
/// * talk_spurt_count: 1 when a spurt begins. talk_spurt_mean_ms: a reading per spurt, in the
///   bucket in which its end is known (200 ms after it, or in a hole of the stream); a spurt that
///   is open when the stream ends has none. pause_mean_ms: a reading per pause, when the spurt
///   after it begins; none of a pause with a hole in it.
///
/// * voiced_ratio: each frame of speech 0 or 1. pitch_hz: a reading per voiced frame.
///
/// One reading a bucket, at its end:
///
/// * noise_floor_dbfs: mean power of the bucket's frames of noise (NoiseAverage: of a bucket of any
///   length that of its 5 s); if it has less than 200 ms of them, the floor as it was tracked until
///   then. Digital silence does not count; -100 if where nobody spoke there was nothing else,
///   neither in the bucket nor in the last 10 s.
/// * active_speech_level_dbfs: ITU-T P.56 method B over the bucket, as it was heard: with noise.
///   Absent if the bucket has less than 200 ms of speech.
/// * snr_db: active speech level, less the power of the noise, over the noise floor; absent as that
///   is. Where the noise is less than 20 dB under the speech, P.56 takes it for speech; there the
///   level is that of the frames that the detector marks. From -20; at most 100, over digital
///   silence.
class VoiceMeter final : public Meter {
 public:
  /// Measures what `board` wants now.
  explicit VoiceMeter(const BucketBoard& board);

  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard& board) override;
  void hole(double ms, BucketBoard& board) override;
  void reset() override;

  /// Of the frame measured last.
  const VoiceDetector& detector() const { return detector_; }

  /// The figures of the last bucket that ended, dBFS; nothing where it had none.
  struct BucketLevels {
    std::optional<double> speech_dbfs, noise_dbfs;
  };
  const BucketLevels& ended_bucket() const { return ended_; }

 private:
  /// Time and energy of the bucket's frames.
  struct Heard {
    double ms = 0, energy = 0;  ///< energy: power by ms
  };

  bool enough_speech() const;
  double floor_power();
  double clean_speech_power(double active_power, double floor) const;
  void add_spurts(BucketBoard& board);
  void add_energy(double ms, double energy);
  void add_pitch(BucketBoard& board);
  void start_bucket();

  const bool wants_level_, wants_pitch_;
  VoiceDetector detector_;
  TalkSpurts spurts_;
  SpeechLevel level_;
  PitchTracker pitch_;
  NoiseAverage noise_;
  double part_ms_ = 0;     ///< of `noise_`
  bool measured_ = false;  ///< a frame since the bucket began
  Heard speech_;           ///< with the pauses in it that are under 200 ms
  Heard pause_;            ///< since the last frame of speech
  BucketLevels ended_;
};

}  // namespace dragoman

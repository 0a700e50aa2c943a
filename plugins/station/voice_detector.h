// SPDX-License-Identifier: LGPL-2.1-or-later
// Says of each 20 ms frame whether somebody speaks in it, and how loud it is when nobody does.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "plugins/station/level_meter.h"
#include "plugins/station/meter.h"
#include "plugins/station/noise_floor.h"
#include "plugins/station/speech_band.h"

namespace dragoman {

/// A light voice activity detector, made of what the standard ones share: the powers of two bands
/// (100 to 1000 Hz, where vowels are, and over 1 kHz, where fricatives are) against a tracked noise
/// floor each, as ITU-T G.729 Annex B (B.3, full-band and low-band energy differences) and ETSI EN
/// 301 708 (AMR, option 1: sub-band levels against a background estimate, hangover after a burst
/// only); the floors are by minimum statistics (noise_floor.h) instead of their frame by frame
/// update.
///
/// A frame is active if for the second time running a band is 5 dB over its floor, or 3 dB as the
/// mean of three frames; or if it is 10 dB over it at once; and not if it is 27 dB under the speech
/// heard lately (rooms, breath, cross-talk). The weak end of a word is lost in noise: after a burst
/// of four frames, up to five more are active, one for each 3 dB that speech over noise lacks to
/// 25 dB. Speech is what is active and, after such a burst, three frames more (60 ms).
/// Whatever stays within 4.5 dB for a second is no speech, however loud (a tone, a fan that
/// starts), and becomes the floor. So does what begins the stream, until it varies.
///
/// Digital silence (a frame of one value) is what play-out gives while nothing arrives, so it says
/// nothing of the noise: it and the frames that it cuts short stay out of the floors. Only if there
/// was 200 ms of it and no noise (100 ms running that are neither silence nor speech) in the last
/// 10 s is the floor -100 dBFS.
///
/// A frame over +60 dBFS (floats of whatever) is taken for silence.
/// Powers are of all channels without their means (3 Hz high-pass), as audio_level_dbfs
/// would be without offset. Short frames (the last of a bucket) are weighed by what they have; one
/// of less than 10 ms says what the one before said. Allocates in set_format() only. One thread.
class VoiceDetector {
 public:
  /// Rate in Hz, 1 or 2 channels; forgets what was heard.
  void set_format(int rate, size_t channels);
  void reset();
  /// A hole in the stream, too long for a word to go on: ends the hangover; floors and levels stay.
  void hole();

  void frame(const AudioFrame& frame);

  bool speech() const { return speech_; }  ///< the last frame, hangover included
  bool active() const { return active_; }  ///< without hangover: where a talk spurt begins and ends
  double frame_power() const { return frame_power_; }  ///< mean square of the last frame
  double frame_ms() const { return frame_ms_; }        ///< length of the last frame
  /// The last frame without offset, interleaved as it came.
  std::span<const float> samples() const { return {samples_.data(), sample_count_}; }
  /// The last frame's samples from 100 to 1000 Hz, mono, at `band_rate()` Hz.
  std::span<const float> low_band() const { return band_.low(); }
  double band_rate() const { return band_.rate(); }

  /// The last frame is noise alone: no speech, nor digital silence, nor too short to say; and there
  /// is noise, rather than ends of words in digital silence.
  bool is_noise() const {
    return !speech_ && !silent_frames_ && !is_silence() && frame_ms_ >= kShortFrameMs;
  }
  /// Whether there was enough to know noise_power() and noise_minimum().
  bool noise_known() const { return noise_.known() || is_silence(); }
  double noise_power() const { return floor_of(noise_); }
  /// What frames of noise lie near: under twice of it.
  double noise_minimum() const { return noise_.minimum(); }

 private:
  static constexpr double kShortFrameMs = 10;

  /// Where nobody speaks there is digital silence.
  bool is_silence() const {
    return since_silence_ < kRememberedFrames && since_noise_ >= kRememberedFrames;
  }
  double floor_of(const NoiseFloor& noise) const {
    return is_silence() ? kSilencePower : noise.power();
  }
  bool is_constant(std::span<const float> in);
  void take_offset_away(std::span<const float> in);
  void forget_signal();
  bool is_candidate();
  bool is_steady();
  size_t hidden_frames() const;
  void decide();
  void follow_silence();
  void follow_noise();

  int rate_ = 0;
  size_t channels_ = 1;
  std::array<float, 2> offset_{};
  float offset_rate_ = 0;
  bool started_ = false;
  std::vector<float> samples_;
  size_t sample_count_ = 0;
  double frame_power_ = 0, frame_ms_ = 0;
  SpeechBand band_;
  NoiseFloor noise_, low_noise_, high_noise_;
  double talker_ = 0;  ///< power of the speech heard lately
  /// Powers of a frame, for the three floors.
  struct Powers {
    double all = 0, low = 0, high = 0;
    bool speech = false;
  };
  std::optional<Powers> held_;  ///< the last frame, until it is known that no silence cuts it short
  static constexpr size_t kSilentFrames = kFramesPerSecond / 5;
  static constexpr size_t kNoiseFrames = kFramesPerSecond / 10;
  static constexpr size_t kRememberedFrames = 10 * kFramesPerSecond;  ///< as NoiseFloor's
  size_t since_silence_ = kRememberedFrames, since_noise_ = kRememberedFrames;
  size_t noise_frames_ = 0;  ///< running, neither silent nor speech
  static constexpr size_t kSteadyFrames = kFramesPerSecond;
  std::array<float, kSteadyFrames> levels_{};  ///< dB, of the last second, oldest overwritten
  size_t levels_count_ = 0, level_at_ = 0, silent_frames_ = 0;
  size_t candidates_ = 0, burst_ = 0, hangover_ = 0, hidden_ = 0;
  size_t since_heard_ = SIZE_MAX / 2;
  std::array<std::array<double, 2>, 2> before_{};
  bool strong_ = false, active_ = false, speech_ = false;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a synthesiser's output fit to be played in a call.
#pragma once

#include <gst/audio/audio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {

/// One clause's speech: resampled to 16 kHz, without the silence at its beginning and end, which
/// would only be delay, and faded in and out over 3 and 5 ms, so that nothing clicks. Silence
/// within the clause stays. For one thread.
class SpeechShaper {
 public:
  static constexpr unsigned kRate = 16000;

  /// More of the clause, mono, at `sample_rate` Hz; returns what of it can be played now, valid
  /// until the next call. The last 5 ms of sound and the silence after it wait for what follows.
  std::span<const int16_t> feed(std::span<const int16_t> samples, unsigned sample_rate);

  /// The clause is complete: the rest of it. Ready for another clause afterwards.
  std::span<const int16_t> finish();

 private:
  void resample(std::span<const int16_t> samples, unsigned sample_rate);
  void drain();
  void trim_beginning();
  std::span<const int16_t> release(size_t samples);

  std::unique_ptr<GstAudioResampler, Deleter<gst_audio_resampler_free>> resampler_;
  unsigned sample_rate_ = 0;
  std::vector<int16_t> held_;      // at 16 kHz, not yet released
  std::vector<int16_t> released_;  // what the last call returned
  size_t sound_end_ = 0;           // in held_: after the last sample that is not silence
  size_t searched_ = 0;            // held_ is searched for sound up to here
  bool begun_ = false;             // there was sound
};

}  // namespace dragoman

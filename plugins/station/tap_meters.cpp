// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_meters.h"

#include "plugins/station/hum_meter.h"
#include "plugins/station/level_meter.h"
#include "plugins/station/loudness_meter.h"
#include "plugins/station/spectrum_meter.h"
#include "plugins/station/true_peak_meter.h"
#include "plugins/station/zero_crossing_meter.h"

namespace dragoman {

TapMeters::TapMeters(BucketBoard& board)
    : board_(board), cutter_([this](const AudioFrame& frame) { measure(frame); }) {}

void TapMeters::measure(AudioFrame frame) {
  spectrum_.push(frame.mono);
  frame.spectrum = &spectrum_;
  for (const auto& meter : meters_) meter->frame(frame, board_);
  if (on_frame_) on_frame_(frame);
}

void TapMeters::set_format(int rate, size_t channels) {
  end_bucket();
  cutter_.set_format(rate, channels);
  spectrum_.set_rate(rate);
  meters_.clear();
  const auto add = [this]<typename M>(std::unique_ptr<M> meter,
                                      std::initializer_list<const char*> measures) -> M* {
    if (!board_.wants_any(measures)) return nullptr;
    M* const added = meter.get();
    meters_.push_back(std::move(meter));
    return added;
  };
  // First, as others may ask voice() of the frame.
  voice_ =
      add(std::make_unique<VoiceMeter>(board_),
          {"noise_floor_dbfs", "snr_db", "active_speech_level_dbfs", "voice_activity_ratio",
           "talk_spurt_count", "talk_spurt_mean_ms", "pause_mean_ms", "pitch_hz", "voiced_ratio",
           "double_talk_ratio", "agc_gain_db", "noise_reduction_db", "log_spectral_distance_db"});
  add(std::make_unique<LevelMeter>(),
      {"audio_level_dbfs", "peak_dbfs", "crest_factor_db", "dc_offset", "clipping_ratio",
       "silence_ratio", "dynamic_range_db"});
  add(std::make_unique<TruePeakMeter>(), {"true_peak_dbtp"});
  add(std::make_unique<LoudnessMeter>(board_),
      {"loudness_momentary_lufs", "loudness_short_term_lufs", "loudness_integrated_lufs"});
  add(std::make_unique<SpectrumMeter>(board_),
      {"spectral_centroid_hz", "spectral_rolloff_hz", "spectral_bandwidth_hz", "spectral_flatness",
       "spectral_flux", "spectral_tilt_db_per_octave", "band_low_dbfs", "band_voice_dbfs",
       "band_high_dbfs"});
  add(std::make_unique<HumMeter>(), {"hum_db"});
  add(std::make_unique<ZeroCrossingMeter>(), {"zero_crossing_rate"});
  for (const auto& meter : meters_) meter->set_format(rate, channels);
}

void TapMeters::feed(std::span<const int16_t> samples) {
  if (!meters_.empty()) cutter_.feed(samples);
}

void TapMeters::feed(std::span<const float> samples) {
  if (!meters_.empty()) cutter_.feed(samples);
}

void TapMeters::finish() { cutter_.finish(); }

void TapMeters::end_bucket() {
  for (const auto& meter : meters_) meter->end_bucket(board_);
}

void TapMeters::hole(double ms) {
  cutter_.reset();
  spectrum_.reset();
  for (const auto& meter : meters_) meter->hole(ms, board_);
}

void TapMeters::reset() {
  cutter_.reset();
  spectrum_.reset();
  for (const auto& meter : meters_) meter->reset();
}

}  // namespace dragoman

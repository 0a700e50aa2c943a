// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/voice_meter.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr double kLeastSpeechMs = 200;
constexpr double kNoisePartMs = 5000 - 1e-3;  // a microsecond for the sums of frames
constexpr double kClear = 100;      // power of speech over noise from which P.56 ignores the noise
constexpr double kLeastSnr = 0.01;  // -20 dB, where nothing is left after the noise is taken away

}  // namespace

VoiceMeter::VoiceMeter(const BucketBoard& board)
    : wants_level_(board.wants_any({"snr_db", "active_speech_level_dbfs", "agc_gain_db"})),
      wants_pitch_(board.wants_any({"pitch_hz", "voiced_ratio"})) {}

void VoiceMeter::set_format(int rate, size_t channels) {
  detector_.set_format(rate, channels);
  level_.set_format(rate, channels);
  pitch_.set_format(detector_.band_rate());
  reset();
}

/// What was heard before it still tells of the speaker's level and of the noise.
void VoiceMeter::hole(double ms, BucketBoard& board) {
  static const size_t spurt = BucketBoard::index_of("talk_spurt_mean_ms");
  if (const auto spurt_ms = spurts_.hole(ms)) board.add(spurt, *spurt_ms);
  pitch_.reset();
  if (ms < kShortestPauseMs) return;
  detector_.hole();
  pause_ = {kShortestPauseMs, 0};  // not one within speech
}

void VoiceMeter::reset() {
  detector_.reset();
  level_.reset();
  pitch_.reset();
  spurts_.reset();
  start_bucket();
  ended_ = {};
}

void VoiceMeter::start_bucket() {
  level_.start_over();
  noise_.clear();
  part_ms_ = 0;
  speech_ = {};
  measured_ = false;
  pause_ = {kShortestPauseMs, 0};  // of the bucket before
}

bool VoiceMeter::enough_speech() const { return speech_.ms >= kLeastSpeechMs; }

double VoiceMeter::floor_power() {
  noise_.end_part(detector_.noise_minimum());
  return noise_.power().value_or(detector_.noise_power());
}

double VoiceMeter::clean_speech_power(double active_power, double floor) const {
  const double noisy = active_power > kClear * floor ? active_power : speech_.energy / speech_.ms;
  return std::max(noisy - floor, kLeastSnr * floor);
}

void VoiceMeter::add_spurts(BucketBoard& board) {
  static const size_t count = BucketBoard::index_of("talk_spurt_count"),
                      spurt = BucketBoard::index_of("talk_spurt_mean_ms"),
                      pause = BucketBoard::index_of("pause_mean_ms");
  const TalkSpurts::Event event = spurts_.frame(detector_.active(), detector_.frame_ms());
  board.add(count, event.started ? 1 : 0);
  if (event.spurt_ms) board.add(spurt, *event.spurt_ms);
  if (event.pause_ms) board.add(pause, *event.pause_ms);
}

void VoiceMeter::add_pitch(BucketBoard& board) {
  static const size_t hz = BucketBoard::index_of("pitch_hz"),
                      voiced = BucketBoard::index_of("voiced_ratio");
  pitch_.feed(detector_.low_band());
  if (!detector_.speech()) return;
  const std::optional<double> pitch = detector_.active() ? pitch_.pitch() : std::nullopt;
  board.add(voiced, pitch ? 1 : 0, detector_.frame_ms());
  if (pitch) board.add(hz, *pitch);
}

void VoiceMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  static const size_t activity = BucketBoard::index_of("voice_activity_ratio");
  detector_.frame(frame);
  const double ms = detector_.frame_ms(), power = detector_.frame_power();
  board.add(activity, detector_.speech() ? 1 : 0, ms);
  add_spurts(board);
  if (wants_pitch_) add_pitch(board);
  if (wants_level_)
    level_.feed(detector_.samples(), power * static_cast<double>(frame.mono.size()));
  add_energy(ms, power * ms);
}

void VoiceMeter::add_energy(double ms, double energy) {
  measured_ = true;
  pause_.ms += ms;
  pause_.energy += energy;
  if (detector_.is_noise()) noise_.add(energy / ms);
  part_ms_ += ms;
  if (part_ms_ > kNoisePartMs) {
    noise_.end_part(detector_.noise_minimum());
    part_ms_ = 0;
  }
  if (!detector_.speech()) return;
  const Heard heard = pause_.ms - ms < kShortestPauseMs ? pause_ : Heard{ms, energy};
  speech_.ms += heard.ms;
  speech_.energy += heard.energy;
  pause_ = {};
}

void VoiceMeter::end_bucket(BucketBoard& board) {
  static const size_t floor_index = BucketBoard::index_of("noise_floor_dbfs"),
                      level_index = BucketBoard::index_of("active_speech_level_dbfs"),
                      snr_index = BucketBoard::index_of("snr_db");
  ended_ = {};
  if (measured_ && detector_.noise_known()) {
    const double floor = floor_power();
    ended_.noise_dbfs = power_dbfs(floor);
    board.add(floor_index, *ended_.noise_dbfs);
    const auto active = wants_level_ && enough_speech() ? level_.active_power() : std::nullopt;
    if (active) {
      ended_.speech_dbfs = power_dbfs(*active);
      board.add(level_index, *ended_.speech_dbfs);
      board.add(snr_index, power_dbfs(clean_speech_power(*active, floor)) - power_dbfs(floor));
    }
  }
  start_bucket();
}

}  // namespace dragoman

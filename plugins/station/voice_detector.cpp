// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/voice_detector.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {
namespace {

constexpr double kOffsetHz = 3;
constexpr double kMostPower = 1e6;                      // 60 dB over full scale is no audio
constexpr double kOverFloor = 3.2, kFarOverFloor = 10;  // powers: 5 and 10 dB
constexpr double kSmoothedOverFloor = 2, kBarely = 1.5;
constexpr double kClearDb = 25, kDbPerFrame = 3, kMostHidden = 5;
constexpr double kUnderTalker = 0.002;  // 27 dB
constexpr double kLeastFloor = 1e-7;    // -70 dBFS: what is under it is silence
constexpr double kTalkerAttack = 0.1, kTalkerDecay = 0.9954;  // by frame: 0.2 s, 1 dB/s
constexpr double kSteadyDb = 4.5;
constexpr size_t kBurstFrames = 4, kHangoverFrames = 3;

}  // namespace

void VoiceDetector::set_format(int rate, size_t channels) {
  rate_ = rate;
  channels_ = channels;
  offset_rate_ = static_cast<float>(2 * std::numbers::pi * kOffsetHz / rate);
  const auto longest = static_cast<size_t>(rate / kFramesPerSecond + 1);
  samples_.assign(longest * channels, 0);
  band_.set_format(rate);
  reset();
}

void VoiceDetector::reset() {
  hole();
  started_ = false;
  sample_count_ = levels_count_ = level_at_ = silent_frames_ = 0;
  frame_power_ = frame_ms_ = talker_ = 0;
  for (NoiseFloor* noise : {&noise_, &low_noise_, &high_noise_}) noise->reset();
  held_.reset();
  since_silence_ = since_noise_ = kRememberedFrames;
  noise_frames_ = 0;
}

void VoiceDetector::hole() {
  strong_ = active_ = speech_ = false;
  candidates_ = burst_ = hangover_ = hidden_ = 0;
  since_heard_ = SIZE_MAX / 2;
  before_ = {};
  band_.reset();  // the filters still ring
}

/// A frame of one value is digital silence: what the filter makes of the step to it is no sound.
bool VoiceDetector::is_constant(std::span<const float> in) {
  for (size_t i = channels_; i < in.size(); ++i) {
    if (in[i] != in[i - channels_]) return false;
  }
  std::copy_n(in.begin(), channels_, offset_.begin());
  std::fill_n(samples_.begin(), in.size(), 0.0f);
  sample_count_ = in.size();
  frame_power_ = 0;
  started_ = true;
  return true;
}

void VoiceDetector::take_offset_away(std::span<const float> in) {
  if (is_constant(in)) return;
  if (!started_) {
    offset_ = {};
    for (size_t i = 0; i < in.size(); ++i) offset_[i % channels_] += in[i];
    for (float& offset : offset_) offset *= static_cast<float>(channels_) / in.size();
    started_ = true;
  }
  float sum = 0;
  std::array<float, 2> offset = offset_;
  if (channels_ == 1) {
    for (size_t i = 0; i < in.size(); ++i) {
      const float sample = in[i] - offset[0];
      offset[0] += offset_rate_ * sample;
      samples_[i] = sample;
      sum += sample * sample;
    }
  } else {
    for (size_t i = 0; i + 1 < in.size(); i += 2) {
      for (size_t channel = 0; channel < 2; ++channel) {
        const float sample = in[i + channel] - offset[channel];
        offset[channel] += offset_rate_ * sample;
        samples_[i + channel] = sample;
        sum += sample * sample;
      }
    }
  }
  offset_ = offset;
  sample_count_ = in.size();
  frame_power_ = sum / static_cast<double>(in.size());
  if (!(frame_power_ < kMostPower)) forget_signal();
}

/// No audio at all: a frame of numbers whose squares do not fit a float, say.
void VoiceDetector::forget_signal() {
  started_ = false;
  std::ranges::fill(samples_, 0.0f);
  frame_power_ = 0;
  band_.reset();
}

bool VoiceDetector::is_candidate() {
  const double powers[] = {band_.low_power(), band_.high_power()};
  const double floors[] = {std::max(floor_of(low_noise_), kLeastFloor),
                           std::max(floor_of(high_noise_), kLeastFloor)};
  strong_ = false;
  bool over = false;
  for (size_t band = 0; band < 2; ++band) {
    const double smoothed = (powers[band] + before_[band][0] + before_[band][1]) / 3;
    strong_ = strong_ || powers[band] > kFarOverFloor * floors[band];
    over = over || powers[band] > kOverFloor * floors[band] ||
           (smoothed > kSmoothedOverFloor * floors[band] && powers[band] > kBarely * floors[band]);
    before_[band] = {powers[band], before_[band][0]};
  }
  return over && powers[0] + powers[1] > kUnderTalker * talker_;
}

/// How long a word lasts under the noise that hides its end, in frames.
size_t VoiceDetector::hidden_frames() const {
  const double snr_db =
      power_dbfs(talker_) - power_dbfs(floor_of(low_noise_) + floor_of(high_noise_));
  return static_cast<size_t>(std::clamp((kClearDb - snr_db) / kDbPerFrame, 0.0, kMostHidden));
}

bool VoiceDetector::is_steady() {
  levels_[level_at_] =
      static_cast<float>(power_dbfs(std::max(band_.low_power() + band_.high_power(), kLeastFloor)));
  level_at_ = (level_at_ + 1) % kSteadyFrames;
  levels_count_ = std::min(levels_count_ + 1, kSteadyFrames);
  const auto [least, most] =
      std::minmax_element(levels_.begin(), levels_.begin() + static_cast<ptrdiff_t>(levels_count_));
  return *most - *least < kSteadyDb;
}

void VoiceDetector::decide() {
  const bool candidate = is_candidate();
  const bool steady = is_steady();
  candidates_ = candidate ? candidates_ + 1 : 0;
  const bool heard = candidate && !steady && (strong_ || candidates_ > 1);
  if (heard) {
    since_heard_ = 0;
    if (++burst_ >= kBurstFrames) {
      hidden_ = hidden_frames();
      hangover_ = hidden_ + kHangoverFrames;
    }
    talker_ += kTalkerAttack * (band_.low_power() + band_.high_power() - talker_);
  } else {
    ++since_heard_;
    burst_ = 0;
    talker_ *= kTalkerDecay;
  }
  if (steady || since_heard_ > hangover_) hidden_ = hangover_ = 0;
  active_ = heard || since_heard_ <= hidden_;
  speech_ = heard || since_heard_ <= hangover_;
  if (candidate && steady && levels_count_ == kSteadyFrames) {
    noise_.restart(frame_power_);
    low_noise_.restart(band_.low_power());
    high_noise_.restart(band_.high_power());
    held_.reset();
    since_noise_ = 0;
  }
}

/// When silence and noise were heard last. The end of a word is no noise yet.
void VoiceDetector::follow_silence() {
  const bool silent = frame_power_ < kSilencePower;
  silent_frames_ = silent ? silent_frames_ + 1 : 0;
  noise_frames_ = silent || speech_ ? 0 : noise_frames_ + 1;
  since_silence_ =
      silent_frames_ >= kSilentFrames ? 0 : std::min(since_silence_ + 1, kRememberedFrames);
  since_noise_ = noise_frames_ >= kNoiseFrames ? 0 : std::min(since_noise_ + 1, kRememberedFrames);
}

/// A frame is followed when the next is known, as silence cuts short the frames on both sides.
void VoiceDetector::follow_noise() {
  const bool after_silence = silent_frames_;
  follow_silence();
  if (silent_frames_ || after_silence) {
    held_.reset();
    return;
  }
  if (held_) {
    noise_.add(held_->all, held_->speech);
    low_noise_.add(held_->low, held_->speech);
    high_noise_.add(held_->high, held_->speech);
  }
  held_ = {frame_power_, band_.low_power(), band_.high_power(), speech_};
}

void VoiceDetector::frame(const AudioFrame& frame) {
  if (frame.interleaved.empty()) return;
  take_offset_away(frame.interleaved);
  frame_ms_ = 1000.0 * static_cast<double>(frame.mono.size()) / rate_;
  if (started_) band_.feed(frame.mono);
  if (frame_ms_ < kShortFrameMs) return;
  decide();
  follow_noise();
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/ttssrc_shaper.h"

#include <algorithm>
#include <cstdlib>

namespace dragoman {
namespace {

constexpr int kSilence = 64;  // -54 dBFS: below it nothing is heard on a telephone
constexpr size_t kSamplesPerMs = SpeechShaper::kRate / 1000;
constexpr size_t kLeadIn = 2 * kSamplesPerMs;  // kept before the first sound
constexpr size_t kLeadOut = 10 * kSamplesPerMs;
constexpr size_t kFadeIn = 3 * kSamplesPerMs;
constexpr size_t kFadeOut = 5 * kSamplesPerMs;

bool is_sound(int16_t sample) { return std::abs(static_cast<int>(sample)) >= kSilence; }

int16_t scaled(int16_t sample, size_t step, size_t steps) {
  return static_cast<int16_t>(sample * static_cast<int>(step) / static_cast<int>(steps));
}

void fade_in(std::span<int16_t> samples) {
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = scaled(samples[i], i, samples.size());
  }
}

void fade_out(std::span<int16_t> samples) {
  const size_t steps = samples.size();
  for (size_t i = 0; i < steps; ++i) samples[i] = scaled(samples[i], steps - 1 - i, steps);
}

}  // namespace

std::span<const int16_t> SpeechShaper::feed(std::span<const int16_t> samples,
                                            unsigned sample_rate) {
  resample(samples, sample_rate);
  if (!begun_) trim_beginning();
  for (; searched_ < held_.size(); ++searched_) {
    if (is_sound(held_[searched_])) sound_end_ = searched_ + 1;
  }
  return release(sound_end_ > kFadeOut ? sound_end_ - kFadeOut : 0);
}

std::span<const int16_t> SpeechShaper::finish() {
  if (resampler_) {
    drain();
    if (!begun_) trim_beginning();
    for (; searched_ < held_.size(); ++searched_) {
      if (is_sound(held_[searched_])) sound_end_ = searched_ + 1;
    }
  }
  held_.resize(begun_ ? std::min(held_.size(), sound_end_ + kLeadOut) : 0);
  std::span<int16_t> rest(held_);
  fade_out(rest.last(std::min(kFadeOut, rest.size())));
  release(held_.size());
  resampler_.reset();
  sample_rate_ = 0;
  begun_ = false;
  sound_end_ = 0;
  return released_;
}

void SpeechShaper::resample(std::span<const int16_t> samples, unsigned sample_rate) {
  if (sample_rate != sample_rate_) {
    sample_rate_ = sample_rate;
    resampler_.reset(sample_rate == kRate
                         ? nullptr
                         : gst_audio_resampler_new(
                               GST_AUDIO_RESAMPLER_METHOD_KAISER, GST_AUDIO_RESAMPLER_FLAG_NONE,
                               GST_AUDIO_FORMAT_S16, 1, static_cast<gint>(sample_rate),
                               static_cast<gint>(kRate), nullptr));
  }
  if (!resampler_) {
    held_.insert(held_.end(), samples.begin(), samples.end());
    return;
  }
  const size_t frames = gst_audio_resampler_get_out_frames(resampler_.get(), samples.size());
  const size_t before = held_.size();
  held_.resize(before + frames);
  gpointer in = const_cast<int16_t*>(samples.data());
  gpointer out = held_.data() + before;
  gst_audio_resampler_resample(resampler_.get(), &in, samples.size(), &out, frames);
}

// The last samples still in the filter, pushed out with silence.
void SpeechShaper::drain() {
  const std::vector<int16_t> silence(gst_audio_resampler_get_max_latency(resampler_.get()));
  resample(silence, sample_rate_);
}

void SpeechShaper::trim_beginning() {
  const auto sound = std::ranges::find_if(held_, is_sound);
  const auto found = static_cast<size_t>(sound - held_.begin());
  begun_ = found < held_.size();
  const size_t keep = std::min(found, kLeadIn);
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(found - keep));
  searched_ = 0;
  if (begun_) fade_in(std::span(held_).first(std::min(kFadeIn, held_.size())));
}

std::span<const int16_t> SpeechShaper::release(size_t samples) {
  const auto end = held_.begin() + static_cast<ptrdiff_t>(samples);
  released_.assign(held_.begin(), end);
  held_.erase(held_.begin(), end);
  searched_ -= std::min(searched_, samples);
  sound_end_ -= std::min(sound_end_, samples);
  return released_;
}

}  // namespace dragoman

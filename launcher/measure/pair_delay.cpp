// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/pair_delay.h"

#include <algorithm>
#include <cstring>

#include "plugins/station/sample_clock.h"

namespace dragoman {
namespace {

constexpr double kMostS = 4, kWindowS = 1, kLeastCorrelation = 0.35;
/// What lies before the first sample, in the logs' time: silence that a comparison may reach into.
constexpr uint64_t kBeforeNs = 5'000'000'000;

}  // namespace

PairDelay::PairDelay(const RecordingFormat& pre, const RecordingFormat& post)
    : tracker_(-1, kMostS, kWindowS, kLeastCorrelation) {
  sides_[0].format = pre;
  sides_[1].format = post;
  for (Side& side : sides_) {
    side.decimator.set_format(side.format.rate, side.format.channels);
    side.log.set_rate(side.decimator.rate());
    side.log.follow();
    const auto silence = static_cast<size_t>(ns_to_frames(kBeforeNs, side.decimator.rate()));
    side.log.append(std::vector<float>(silence), kBeforeNs);
  }
  tracker_.set_rate(sides_[0].decimator.rate());
}

void PairDelay::add(size_t which, std::span<const uint8_t> samples) {
  Side& side = sides_[which];
  const size_t piece = Decimator::kMaxFrames * side.format.frame_bytes();
  const auto append = [&]<typename Sample>(std::span<const uint8_t> bytes, Sample) {
    std::vector<Sample> typed(bytes.size() / sizeof(Sample));
    std::memcpy(typed.data(), bytes.data(), typed.size() * sizeof(Sample));
    side.frames += typed.size() / side.format.channels;
    side.log.append(side.decimator.feed(std::span<const Sample>(typed)),
                    kBeforeNs + frames_to_ns(side.frames, side.format.rate));
  };
  for (size_t at = 0; at < samples.size(); at += piece) {
    const auto bytes = samples.subspan(at, std::min(piece, samples.size() - at));
    if (side.format.sample == GST_AUDIO_FORMAT_S16LE) {
      append(bytes, int16_t{});
    } else {
      append(bytes, float{});
    }
  }
  if (which == 1) compare();
}

void PairDelay::compare() {
  const uint64_t seconds = sides_[1].frames / static_cast<uint64_t>(sides_[1].format.rate);
  if (seconds == compared_s_) return;
  compared_s_ = seconds;
  tracker_.update(sides_[0].log, sides_[1].log);
  if (tracker_.fresh()) lags_ns_.push_back(*tracker_.lag_ns());
}

std::optional<double> PairDelay::delay_ms() const {
  if (lags_ns_.empty()) return std::nullopt;
  std::vector<int64_t> sorted = lags_ns_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return static_cast<double>(*middle) * 1e-6;
}

}  // namespace dragoman

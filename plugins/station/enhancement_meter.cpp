// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/enhancement_meter.h"

#include <algorithm>

#include "plugins/station/sample_clock.h"

namespace dragoman {
namespace {

constexpr uint64_t kFrameNs = 32'000'000;
constexpr uint64_t kMostBackNs = TapLog::kHistoryNs - 1'000'000'000;

}  // namespace

void EnhancementMeter::set_rate(int rate) {
  distance_.set_rate(rate);
  before_.assign(distance_.frame_length(), 0);
  after_.assign(distance_.frame_length(), 0);
  reset();
}

void EnhancementMeter::compare(const TapLog& pre, const TapLog& post, std::optional<int64_t> lag_ns,
                               BucketBoard& board) {
  static const size_t index = BucketBoard::index_of("log_spectral_distance_db");
  if (!lag_ns || pre.rate() != post.rate() || !board.wants(index)) return;
  const uint64_t post_end = post.audio_end();
  if (!post_end) return;
  const uint64_t end = std::min(pre.audio_end(), post_end - static_cast<uint64_t>(*lag_ns));
  if (end < kMostBackNs) return;
  next_ = std::max(next_, (end - kMostBackNs) / kFrameNs + 1);
  for (; (next_ + 1) * kFrameNs <= end; ++next_) {
    const uint64_t begin = next_ * kFrameNs;
    const std::optional<bool> speech = pre.speech_at(begin + kFrameNs / 2);
    if (!speech && begin + kFrameNs > pre.decided_until()) break;  // not yet
    if (!speech.value_or(false)) continue;
    if (pre.copy_audio(begin, before_) &&
        post.copy_audio(begin + static_cast<uint64_t>(*lag_ns), after_)) {
      board.add(index, distance_.frame(before_, after_));
    }
  }
}

void EnhancementMeter::end_bucket(const TapLog& pre, const BucketVoice& post, BucketBoard& board) {
  static const size_t gain = BucketBoard::index_of("agc_gain_db"),
                      reduction = BucketBoard::index_of("noise_reduction_db");
  const std::optional<BucketVoice> before = pre.bucket_like(post);
  if (!before) return;
  if (post.speech_dbfs && before->speech_dbfs) {
    board.add(gain, *post.speech_dbfs - *before->speech_dbfs);
  }
  if (post.noise_dbfs && before->noise_dbfs) {
    board.add(reduction, *before->noise_dbfs - *post.noise_dbfs);
  }
}

}  // namespace dragoman

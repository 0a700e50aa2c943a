// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/double_talk_meter.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr uint64_t kFrameNs = 20'000'000, kMostBackNs = 10'000'000'000;

}  // namespace

void DoubleTalkMeter::compare(const TapLog& own, const TapLog& other, BucketBoard& board) {
  static const size_t index = BucketBoard::index_of("double_talk_ratio");
  const uint64_t end = std::min(own.decided_until(), other.decided_until());
  if (end < kMostBackNs) return;
  next_ = std::max(next_, (end - kMostBackNs) / kFrameNs + 1);
  for (; (next_ + 1) * kFrameNs <= end; ++next_) {
    const uint64_t middle = next_ * kFrameNs + kFrameNs / 2;
    const auto here = own.speech_at(middle), there = other.speech_at(middle);
    if (here && there) board.add(index, *here && *there ? 1 : 0);
  }
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/sample_clock.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
using Wide = unsigned __int128;  // ns times Hz overflows 64 bits within a day

}  // namespace

uint64_t ns_to_frames(uint64_t ns, int rate) {
  return static_cast<uint64_t>((static_cast<Wide>(ns) * static_cast<unsigned>(rate) + kSecond / 2) /
                               kSecond);
}

uint64_t frames_to_ns(uint64_t frames, int rate) {
  return static_cast<uint64_t>(static_cast<Wide>(frames) * kSecond / static_cast<unsigned>(rate));
}

void SampleClock::set_rate(int rate) {
  if (placed_) {
    base_ns_ = position();
    frames_ = 0;
  }
  rate_ = rate;
}

SampleClock::Placement SampleClock::place(std::optional<uint64_t> time_ns, size_t frames) {
  Placement placement;
  if (!placed_) {
    placed_ = true;
    base_ns_ = time_ns.value_or(0);
    frames_ = 0;
    return placement;
  }
  first_bucket_ = bucket();
  if (!time_ns) return placement;

  const auto deviation = static_cast<int64_t>(*time_ns - position());
  const auto one_frame = static_cast<int64_t>(kSecond / static_cast<unsigned>(rate_));
  if (deviation > kToleranceNs) {
    placement.hole = ns_to_frames(static_cast<uint64_t>(deviation), rate_);
    base_ns_ = *time_ns;
    frames_ = 0;
  } else if (deviation < -kMaxOverlapNs) {
    placement.restarted = true;
    first_bucket_ = 0;
    base_ns_ = *time_ns;
    frames_ = 0;
  } else if (deviation < -kToleranceNs) {
    const uint64_t overlap = ns_to_frames(static_cast<uint64_t>(-deviation), rate_);
    placement.overlap = static_cast<size_t>(std::min<uint64_t>(overlap, frames));
  } else if (deviation > one_frame || deviation < -one_frame) {
    base_ns_ += static_cast<uint64_t>(deviation / kSlew);
  }
  return placement;
}

void SampleClock::advance_to(uint64_t time_ns) {
  if (placed_ && static_cast<int64_t>(time_ns - position()) <= kToleranceNs) return;
  if (placed_) first_bucket_ = bucket();
  placed_ = true;
  base_ns_ = time_ns;
  frames_ = 0;
}

uint64_t SampleClock::bucket() const {
  const uint64_t half_frame = rate_ ? kSecond / 2 / static_cast<unsigned>(rate_) : 0;
  return std::max(first_bucket_, bucket_start(position() + half_frame, bucket_ns_));
}

uint64_t SampleClock::frames_left_in_bucket() const {
  return std::max<uint64_t>(1, ns_to_frames(bucket() + bucket_ns_ - position(), rate_));
}

uint64_t SampleClock::time_of(uint64_t frames) const {
  return frames ? base_ns_ + frames_to_ns(frames, rate_) : base_ns_;
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/rtp_timeline.h"

#include <algorithm>

namespace dragoman {

void RtpTimeline::map(RtpHeader& header, RtpAccount::Verdict verdict, int64_t arrival_ns) {
  using enum RtpAccount::Verdict;
  if (verdict == kFirst || verdict == kRestarted || !begun_) {
    begin(header, arrival_ns);
  } else if (verdict == kInOrder) {
    follow(header, arrival_ns);
  }
  header.sequence = static_cast<uint16_t>(header.sequence + sequence_delta_);
  header.timestamp += timestamp_delta_;
}

void RtpTimeline::begin(const RtpHeader& header, int64_t arrival_ns) {
  if (begun_) {
    last_ticks_ += to_ticks(arrival_ns - last_arrival_ns_);
    ++last_sequence_;
  } else {
    last_ticks_ = header.timestamp;
    last_sequence_ = header.sequence;
  }
  begun_ = true;
  sequence_delta_ = static_cast<uint16_t>(last_sequence_ - header.sequence);
  timestamp_delta_ = static_cast<uint32_t>(last_ticks_) - header.timestamp;
  last_arrival_ns_ = arrival_ns;
  late_run_ = 0;
  forget_transit(arrival_ns - to_ns(last_ticks_), arrival_ns);
}

void RtpTimeline::follow(const RtpHeader& header, int64_t arrival_ns) {
  auto sequence = static_cast<uint16_t>(header.sequence + sequence_delta_);
  if (static_cast<uint16_t>(sequence - last_sequence_) > kBridgeable) {
    sequence = static_cast<uint16_t>(last_sequence_ + 1);
    sequence_delta_ = static_cast<uint16_t>(sequence - header.sequence);
  }
  last_sequence_ = sequence;

  const uint32_t timestamp = header.timestamp + timestamp_delta_;
  int64_t ticks =
      last_ticks_ + static_cast<int32_t>(timestamp - static_cast<uint32_t>(last_ticks_));
  const int64_t fastest = std::min(window_min_ns_, previous_min_ns_);
  const int64_t lateness = arrival_ns - to_ns(ticks) - fastest;
  if (const int64_t move_ns = correction(lateness); move_ns != 0) {
    ticks += to_ticks(move_ns);
    timestamp_delta_ = static_cast<uint32_t>(ticks) - header.timestamp;
  } else {
    max_delay_ns_ = std::max(max_delay_ns_, lateness);
  }
  last_ticks_ = ticks;
  last_arrival_ns_ = arrival_ns;
  note_transit(arrival_ns - to_ns(ticks), arrival_ns);
}

int64_t RtpTimeline::correction(int64_t lateness_ns) {
  if (std::abs(lateness_ns) > kAtOnceNs) {
    late_run_ = 0;
    return lateness_ns;
  }
  if (lateness_ns <= latency_ns_) {
    late_run_ = 0;
    return 0;
  }
  late_min_ns_ = late_run_ == 0 ? lateness_ns : std::min(late_min_ns_, lateness_ns);
  if (++late_run_ < kPatience) return 0;
  late_run_ = 0;
  return late_min_ns_;
}

void RtpTimeline::forget_transit(int64_t transit_ns, int64_t arrival_ns) {
  window_start_ns_ = arrival_ns;
  window_min_ns_ = previous_min_ns_ = transit_ns;
}

void RtpTimeline::note_transit(int64_t transit_ns, int64_t arrival_ns) {
  if (arrival_ns - window_start_ns_ > kWindowNs) {
    previous_min_ns_ = window_min_ns_;
    window_min_ns_ = transit_ns;
    window_start_ns_ = arrival_ns;
  }
  window_min_ns_ = std::min(window_min_ns_, transit_ns);
}

}  // namespace dragoman

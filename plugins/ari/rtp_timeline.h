// SPDX-License-Identifier: LGPL-2.1-or-later
// One continuous RTP stream out of what a sender sends: restarts, jumps and pauses mended by the
// time of arrival, so that the jitter buffer behind it only ever sees jitter, loss and reordering.
#pragma once

#include <cstdint>

#include "plugins/ari/rtp_account.h"
#include "plugins/ari/rtp_packet.h"

namespace dragoman {

/// Renumbers packets. Timestamps that stay more than the latency behind their arrival (Asterisk's
/// do not jump over a pause in sending), or run away from it, are moved to it. Not thread-safe.
class RtpTimeline {
 public:
  /// `latency_ns`: what the jitter buffer can wait.
  RtpTimeline(uint32_t clock_rate, int64_t latency_ns)
      : clock_rate_(clock_rate), latency_ns_(latency_ns) {}

  /// New sequence number and timestamp of a packet that arrived at `arrival_ns` (monotonic).
  /// `verdict` is what RtpAccount said of it; neither a suspect nor a duplicate may be given.
  void map(RtpHeader& header, RtpAccount::Verdict verdict, int64_t arrival_ns);

  /// Longest a packet came behind the fastest of its time (the pause before it not counted), ns.
  int64_t max_delay_ns() const { return max_delay_ns_; }

 private:
  static constexpr int64_t kAtOnceNs = 200'000'000;    // off by more: moved at once
  static constexpr int kPatience = 3;                  // off by less: moved after so many in a row
  static constexpr uint16_t kBridgeable = 10;          // a longer gap is nothing to wait for
  static constexpr int64_t kWindowNs = 5'000'000'000;  // of the fastest packet's transit time

  int64_t to_ns(int64_t ticks) const { return ticks * 1'000'000'000 / clock_rate_; }
  int64_t to_ticks(int64_t ns) const { return ns * clock_rate_ / 1'000'000'000; }
  void begin(const RtpHeader& header, int64_t arrival_ns);
  void follow(const RtpHeader& header, int64_t arrival_ns);
  int64_t correction(int64_t lateness_ns);
  void forget_transit(int64_t transit_ns, int64_t arrival_ns);
  void note_transit(int64_t transit_ns, int64_t arrival_ns);

  const int64_t clock_rate_;
  const int64_t latency_ns_;
  bool begun_ = false;
  uint16_t sequence_delta_ = 0, last_sequence_ = 0;
  uint32_t timestamp_delta_ = 0;
  int64_t last_ticks_ = 0;  // outgoing timestamp, unwrapped
  int64_t last_arrival_ns_ = 0;
  int64_t window_start_ns_ = 0, window_min_ns_ = 0, previous_min_ns_ = 0;
  int late_run_ = 0;
  int64_t late_min_ns_ = 0;
  int64_t max_delay_ns_ = 0;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of a packet stream once a second, beyond the counts of RtpAccount: the worst of its
// timing, its rate and clock, how its loss is spread, and how good a conversation can be over it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "plugins/ari/burst_account.h"
#include "plugins/ari/clock_skew.h"
#include "plugins/ari/payload.h"
#include "plugins/ari/rtp_account.h"
#include "plugins/common/e_model.h"

namespace dragoman {

/// Figures of one interval. What cannot be known is absent.
struct StreamFigures {
  std::optional<double> jitter_max_ms;        ///< the greatest of the interval
  std::optional<double> interarrival_max_ms;  ///< between packets of which the later came in it
  std::optional<double> bitrate_kbps;         ///< of RTP payload received, duplicates too
  std::optional<double> clock_skew_ppm;       ///< positive: the sender's clock is faster
  std::optional<double> burst_density_pct;    ///< since the first packet
  std::optional<double> gap_density_pct;      ///< since the first packet
  std::optional<double> r_factor, mos;        ///< of the last five intervals with packets
};

/// Ie and Bpl of ITU-T G.113 appendix I table I.4 for what `format` is with the concealment of
/// PlayoutBuffer, which is in the manner of G.711 appendix I: Ie 0, Bpl 25.1. Linear formats lose
/// nothing that G.711 keeps and are rated as it. G.722 is rated as G.711 too: appendix I, on the
/// narrowband scale, does not have it; on the wideband scale (G.107.1, Ie,wb 13 of 129) it is above
/// all of narrowband, so that the rating is a lower bound.
struct CodecImpairment {
  double ie = 0, bpl = 0;
};
CodecImpairment codec_impairment(PayloadFormat format);

/// R: the E-model with its defaults but for the codec, loss (lost and late packets both) and burst
/// ratio of `loss`, and a delay one way of `delay_ms` (T, Ta; Tr is twice that). What is not known
/// here: the delay of the network and of the sender, both rooms, handset and echo; R is what the
/// connection behind this receiver could have at best. From 0 to 100; burst ratios over 8, which
/// G.107 does not cover (table 2), count as 8.
double rate_stream(const LossTally& loss, PayloadFormat format, double delay_ms);

/// Packets go in as they arrive and as they leave the jitter buffer, by the sequence numbers that
/// RtpTimeline gave them. Not thread-safe.
class StreamReport {
 public:
  /// `latency_ns`: how long missing audio is waited for.
  StreamReport(PayloadFormat format, int64_t latency_ns)
      : format_(format), latency_ns_(latency_ns) {}

  /// A packet that `account` accepted as `verdict`, duplicates among them. `received_ns`: when the
  /// kernel got it.
  void arrived(const RtpHeader& header, RtpAccount::Verdict verdict, const RtpAccount& account,
               int64_t received_ns);
  /// The packet that arrived last goes to the jitter buffer as number `outgoing`.
  void enters_buffer(uint16_t outgoing);
  /// The jitter buffer lets go of number `outgoing`: what was before it and did not come out is
  /// missing for good.
  void leaves_buffer(uint16_t outgoing);
  /// Whether the packet that left last came in time to be played.
  void judged(bool in_time);

  /// Audio that waits in the jitter buffer, ns.
  int64_t waiting_ns() const;

  /// The figures of the interval of `interval_ns` that ends now. The first one with packets is part
  /// of an interval only: it has no rate, and its loss goes to the next.
  StreamFigures end_interval(const RtpAccount& account, int64_t interval_ns);
  /// What end_interval() gave last.
  const StreamFigures& figures() const { return figures_; }
  /// Longest wait between two packets so far; nothing before the second.
  std::optional<double> longest_wait_ms() const { return longest_wait_ms_; }

  double delay_ms() const;
  const LossTally& loss() const { return bursts_.tally(); }

 private:
  struct Entry {
    uint64_t sequence = 0;  // extended, of the sender's
    uint64_t page = 0;      // RtpAccount's; 0: none
    bool waiting = false;
  };
  static constexpr size_t kRing = 256;  // more than a jitter buffer of a second holds
  static constexpr size_t kWindow = 5;  // intervals that R is of

  Entry& entry(uint16_t outgoing) { return entries_[outgoing % kRing]; }
  void rate(StreamFigures& figures);

  const PayloadFormat format_;
  const int64_t latency_ns_;
  int64_t packet_ns_ = 20'000'000;            // audio in the last one
  uint64_t packets_ = 0, payload_bytes_ = 0;  // of the interval
  bool whole_ = false;                        // packets came before this interval
  std::optional<int64_t> last_received_ns_;
  std::optional<double> wait_ms_, longest_wait_ms_, interval_jitter_ms_;

  std::array<Entry, kRing> entries_;  // by outgoing number
  Entry newest_, last_out_;
  size_t waiting_ = 0;
  std::optional<uint16_t> last_outgoing_;
  bool undecided_ = false;

  BurstAccount bursts_;
  ClockSkew skew_;
  std::array<LossTally, kWindow> window_;  // totals at the ends of the last intervals
  size_t intervals_ = 0;
  uint64_t rated_ = 0;  // packets that R was of
  StreamFigures figures_;
};

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/stream_report.h"

#include <algorithm>
#include <utility>

namespace dragoman {

namespace {
constexpr double kGreatestBurstRatio = 8;  // G.107 table 2
}

CodecImpairment codec_impairment(PayloadFormat) { return {.ie = 0, .bpl = 25.1}; }

double rate_stream(const LossTally& loss, PayloadFormat format, double delay_ms) {
  const CodecImpairment codec = codec_impairment(format);
  // R, too, ends where the recommendation's does: a line that is dead for seconds is at 0.
  const double r =
      rate_connection({.t_ms = delay_ms,
                       .tr_ms = 2 * delay_ms,
                       .ta_ms = delay_ms,
                       .ie = codec.ie,
                       .bpl = codec.bpl,
                       .ppl_pct = loss.loss_pct(),
                       .burst_ratio = std::min(loss.burst_ratio(), kGreatestBurstRatio)})
          .r;
  return std::clamp(r, 0.0, 100.0);
}

void StreamReport::arrived(const RtpHeader& header, RtpAccount::Verdict verdict,
                           const RtpAccount& account, int64_t received_ns) {
  using enum RtpAccount::Verdict;
  const PayloadInfo& info = payload_info(format_);
  ++packets_;
  payload_bytes_ += header.payload_size;
  packet_ns_ = static_cast<int64_t>(header.payload_size) * 20'000'000 / info.bytes_per_20_ms;
  if (last_received_ns_ && received_ns >= *last_received_ns_) {
    const double waited_ms = static_cast<double>(received_ns - *last_received_ns_) / 1e6;
    wait_ms_ = std::max(wait_ms_.value_or(0), waited_ms);
    longest_wait_ms_ = std::max(longest_wait_ms_.value_or(0), waited_ms);
  }
  last_received_ns_ = received_ns;
  if (verdict == kFirst || verdict == kRestarted) skew_.restart();
  if (account.jitter_ms()) {
    interval_jitter_ms_ = std::max(interval_jitter_ms_.value_or(0), *account.jitter_ms());
  }
  skew_.packet(received_ns, header.timestamp, info.clock_rate);
  newest_ = {
      .sequence = account.extended(header.sequence), .page = account.pages(), .waiting = true};
}

void StreamReport::enters_buffer(uint16_t outgoing) {
  // Behind what has left, it will be dropped.
  if (last_outgoing_ && static_cast<int16_t>(outgoing - *last_outgoing_) <= 0) return;
  Entry& place = entry(outgoing);
  waiting_ -= place.waiting;
  place = newest_;
  ++waiting_;
}

void StreamReport::leaves_buffer(uint16_t outgoing) {
  if (undecided_) judged(true);
  const auto ahead = static_cast<uint16_t>(outgoing - last_outgoing_.value_or(outgoing - 1));
  for (uint16_t back = 0; back < std::min<size_t>(ahead, kRing); ++back) {
    waiting_ -= std::exchange(entry(static_cast<uint16_t>(outgoing - back)).waiting, false);
  }
  last_outgoing_ = outgoing;
  const Entry out = entry(outgoing);
  if (out.page == last_out_.page && out.sequence > last_out_.sequence) {
    bursts_.missing(out.sequence - last_out_.sequence - 1);
  }
  last_out_ = out;
  undecided_ = true;
}

void StreamReport::judged(bool in_time) {
  if (!std::exchange(undecided_, false)) return;
  if (in_time) {
    bursts_.played();
  } else {
    bursts_.missing();
  }
}

int64_t StreamReport::waiting_ns() const { return static_cast<int64_t>(waiting_) * packet_ns_; }

double StreamReport::delay_ms() const {
  return static_cast<double>(latency_ns_ + packet_ns_) / 1e6;
}

StreamFigures StreamReport::end_interval(const RtpAccount& account, int64_t interval_ns) {
  StreamFigures figures;
  const auto bits = static_cast<double>(8 * std::exchange(payload_bytes_, 0));
  const bool heard = std::exchange(packets_, 0) > 0;
  figures.interarrival_max_ms = std::exchange(wait_ms_, std::nullopt);
  figures.jitter_max_ms = std::exchange(interval_jitter_ms_, std::nullopt);
  if (heard) figures.clock_skew_ppm = skew_.ppm();
  if (whole_ && interval_ns > 0) {
    figures.bitrate_kbps = bits * 1e6 / static_cast<double>(interval_ns);
    rate(figures);
  }
  whole_ = whole_ || heard;
  figures_ = figures;
  return figures;
}

void StreamReport::rate(StreamFigures& figures) {
  const LossTally now = bursts_.tally();
  if (now.packets == rated_) return;
  rated_ = now.packets;
  // Zeroes, the totals before the first packet, as long as there is no older one.
  const LossTally lately = now - std::exchange(window_[intervals_++ % kWindow], now);
  if (lately.packets == lately.missing) return;
  figures.burst_density_pct = bursts_.burst_density_pct();
  figures.gap_density_pct = bursts_.gap_density_pct();
  figures.r_factor = rate_stream(lately, format_, delay_ms());
  figures.mos = mos_of(*figures.r_factor);
}

}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/media_stats.h"

namespace dragoman {
namespace {

void add_packets(GstStructure* stats, const PacketGate& gate) {
  const PacketGate::Counters& packets = gate.counters();
  const RtpAccount& account = gate.account();
  GSocketAddress* remote = gate.peers().remote();
  gst_structure_set(
      stats, "received", G_TYPE_UINT64,
      gate.encapsulation() == Encapsulation::kRtp ? account.received() : packets.packets, "lost",
      G_TYPE_INT64, account.lost(), "loss-pct", G_TYPE_DOUBLE, account.loss_pct(), "duplicated",
      G_TYPE_UINT64, account.duplicated(), "reordered", G_TYPE_UINT64, account.reordered(),
      "malformed", G_TYPE_UINT64, packets.malformed, "foreign", G_TYPE_UINT64, packets.foreign,
      "wrong-payload", G_TYPE_UINT64, packets.wrong_payload, "stray", G_TYPE_UINT64, packets.stray,
      "payload-bytes", G_TYPE_UINT64, packets.payload_bytes, "jitter-ms", G_TYPE_DOUBLE,
      account.jitter_ms().value_or(0), "jitter-max-ms", G_TYPE_DOUBLE, account.jitter_max_ms(),
      "restarts", G_TYPE_UINT64, account.pages() ? account.pages() - 1 : 0, "ssrc", G_TYPE_UINT,
      account.ssrc(), "peer", G_TYPE_STRING,
      remote ? address_text(G_INET_SOCKET_ADDRESS(remote)).c_str() : "", nullptr);
}

void add_figures(GstStructure* stats, const StreamReport& report) {
  const StreamFigures& figures = report.figures();
  const auto add = [stats](const char* field, std::optional<double> value) {
    if (value) gst_structure_set(stats, field, G_TYPE_DOUBLE, *value, nullptr);
  };
  add("interarrival-max-ms", report.longest_wait_ms());
  add("bitrate-kbps", figures.bitrate_kbps);
  add("clock-skew-ppm", figures.clock_skew_ppm);
  add("burst-density-pct", figures.burst_density_pct);
  add("gap-density-pct", figures.gap_density_pct);
  add("r-factor", figures.r_factor);
  add("mos", figures.mos);
}

}  // namespace

GstStructure* new_media_stats(const PacketGate* gate, const PlayoutStats& playout, uint64_t late) {
  const PlayoutBuffer::Counters& counters = playout.counters;
  GstStructure* stats = gst_structure_new(
      "application/x-ariudpsrc-stats", "late", G_TYPE_UINT64, late, "underruns", G_TYPE_UINT64,
      counters.underruns, "overruns", G_TYPE_UINT64, counters.overruns, "concealed-ms",
      G_TYPE_DOUBLE, static_cast<double>(counters.concealed_samples) / 16, "buffer-usage-pct",
      G_TYPE_DOUBLE, playout.usage_pct, "buffer-depth-ms", G_TYPE_DOUBLE, playout.depth_ms,
      nullptr);
  if (!gate) return stats;
  add_packets(stats, *gate);
  add_figures(stats, gate->report());
  return stats;
}

}  // namespace dragoman

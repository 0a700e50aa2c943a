// SPDX-License-Identifier: LGPL-2.1-or-later
// The inner source of ariudpsrc: coded audio into its sink pad at any time, an unbroken stream of
// 16 kHz samples out of its source pad by the clock.
#pragma once

#include <gst/base/gstpushsrc.h>

#include <vector>

#include "plugins/ari/packet_gate.h"
#include "plugins/ari/playout_buffer.h"

G_BEGIN_DECLS
#define DRAGOMAN_TYPE_ARI_PLAYOUT (dragoman_ari_playout_get_type())
G_DECLARE_FINAL_TYPE(DragomanAriPlayout, dragoman_ari_playout, DRAGOMAN, ARI_PLAYOUT, GstPushSrc)
G_END_DECLS

namespace dragoman {

/// What the playout asks of the bin around it, from its streaming thread, with no lock held.
class PlayoutHost {
 public:
  /// Readings of the packets that came since the last call.
  virtual std::vector<PacketReadings> take_packet_readings() = 0;
  /// Packets the jitter buffer had to drop since it started, being too late.
  virtual uint64_t late_in_jitter_buffer() = 0;
  /// Audio that waits in the jitter buffer, ns.
  virtual int64_t waiting_in_jitter_buffer_ns() = 0;
  /// Figures of the packet stream in the interval of `interval_ns` that ends now.
  virtual StreamFigures end_interval(int64_t interval_ns) = 0;
  /// The chain's thread: whether the audio that came last was in time to be played.
  virtual void judged(bool in_time) = 0;

 protected:
  ~PlayoutHost() = default;
};

struct PlayoutSettings {
  PayloadFormat format = PayloadFormat::kSlin16;
  ByteOrder order = ByteOrder::kNetwork;
  GstClockTime latency = 40 * GST_MSECOND;    ///< how long a frame is waited for
  GstClockTime tolerance = 10 * GST_MSECOND;  ///< of time stamps, in following each other
};

struct PlayoutStats {
  PlayoutBuffer::Counters counters;
  double usage_pct = 0;  ///< of latency and a frame: what was left to wait when a frame left
  double depth_ms = 0;   ///< audio that waits to be taken, before the jitter buffer's end too
};

/// A new element (floating). `host` must outlive its PAUSED and PLAYING states.
GstElement* new_playout(PlayoutHost* host);
/// To be called in NULL or READY.
void configure_playout(DragomanAriPlayout* playout, const PlayoutSettings& settings);
/// Any thread.
PlayoutStats playout_stats(DragomanAriPlayout* playout);

}  // namespace dragoman

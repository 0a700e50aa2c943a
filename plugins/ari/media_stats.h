// SPDX-License-Identifier: LGPL-2.1-or-later
// The `stats` property of ariudpsrc.
#pragma once

#include <gst/gst.h>

#include "plugins/ari/packet_gate.h"
#include "plugins/ari/playout_src.h"

namespace dragoman {

/// The fields, as the property's blurb names them.
inline constexpr char kStatsFields[] =
    "received, lost, loss-pct, late, duplicated, reordered, malformed, foreign, wrong-payload, "
    "stray, payload-bytes, restarts, underruns, overruns (counts); jitter-ms, jitter-max-ms, "
    "concealed-ms, buffer-depth-ms; buffer-usage-pct; ssrc; peer; and, where they are known, "
    "interarrival-max-ms since the start, of the last second bitrate-kbps, clock-skew-ppm, "
    "burst-density-pct, gap-density-pct, r-factor, mos";

/// A new structure, owned by the caller. `gate` may be null (nothing is open); `late` are all
/// packets that came after their play-out time. What guards `gate` must be held.
GstStructure* new_media_stats(const PacketGate* gate, const PlayoutStats& playout, uint64_t late);

}  // namespace dragoman

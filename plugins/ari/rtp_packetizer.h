// SPDX-License-Identifier: LGPL-2.1-or-later
// Samples to the RTP packets of one stream.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plugins/ari/payload.h"
#include "plugins/ari/rtp_packet.h"

namespace dragoman {

/// One SSRC, with random first sequence number and timestamp; the first packet has the marker. Not
/// thread-safe.
class RtpPacketizer {
 public:
  explicit RtpPacketizer(PayloadFormat format);

  /// The packet that holds `samples` (at the format's sample rate), valid until the next call.
  std::span<const uint8_t> packet(std::span<const int16_t> samples);
  /// Time in which nothing is sent, of `samples`.
  void skip(size_t samples) { header_.timestamp += ticks(samples); }

  uint32_t ssrc() const { return header_.ssrc; }

 private:
  uint32_t ticks(size_t samples) const {
    return static_cast<uint32_t>(samples * info_.clock_rate / info_.sample_rate);
  }

  const PayloadInfo& info_;
  PayloadEncoder encoder_;
  RtpHeader header_;
  std::vector<uint8_t> bytes_;
};

}  // namespace dragoman

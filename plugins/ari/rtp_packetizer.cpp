// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/rtp_packetizer.h"

namespace dragoman {

RtpPacketizer::RtpPacketizer(PayloadFormat format)
    : info_(payload_info(format)),
      encoder_(format),
      header_{.marker = true,
              .payload_type = info_.sent_type,
              .sequence = static_cast<uint16_t>(g_random_int()),
              .timestamp = g_random_int(),
              .ssrc = g_random_int()} {}

std::span<const uint8_t> RtpPacketizer::packet(std::span<const int16_t> samples) {
  bytes_.resize(kRtpHeaderSize);
  write_rtp_header(header_, std::span<uint8_t, kRtpHeaderSize>(bytes_.data(), kRtpHeaderSize));
  encoder_.encode(samples, bytes_);
  header_.marker = false;
  ++header_.sequence;
  skip(samples.size());
  return bytes_;
}

}  // namespace dragoman

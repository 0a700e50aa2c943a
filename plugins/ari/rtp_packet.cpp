// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/rtp_packet.h"

namespace dragoman {
namespace {

uint16_t read16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
uint32_t read32(const uint8_t* at) {
  return static_cast<uint32_t>(read16(at)) << 16 | read16(at + 2);
}

void write16(uint16_t value, uint8_t* at) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
void write32(uint32_t value, uint8_t* at) {
  write16(static_cast<uint16_t>(value >> 16), at);
  write16(static_cast<uint16_t>(value), at + 2);
}

}  // namespace

std::optional<RtpHeader> parse_rtp(std::span<const uint8_t> datagram) {
  if (datagram.size() < kRtpHeaderSize || datagram[0] >> 6 != 2) return std::nullopt;
  const bool padded = datagram[0] & 0x20;
  const bool extended = datagram[0] & 0x10;
  size_t offset = kRtpHeaderSize + 4 * (datagram[0] & 0x0f);
  if (extended) {
    if (offset + 4 > datagram.size()) return std::nullopt;
    offset += 4 + 4 * static_cast<size_t>(read16(datagram.data() + offset + 2));
  }
  size_t end = datagram.size();
  if (padded) {
    const size_t padding = datagram.back();
    if (padding == 0 || padding > end) return std::nullopt;
    end -= padding;
  }
  if (offset >= end) return std::nullopt;
  return RtpHeader{.marker = (datagram[1] & 0x80) != 0,
                   .payload_type = static_cast<uint8_t>(datagram[1] & 0x7f),
                   .sequence = read16(&datagram[2]),
                   .timestamp = read32(&datagram[4]),
                   .ssrc = read32(&datagram[8]),
                   .payload_offset = offset,
                   .payload_size = end - offset};
}

void write_rtp_header(const RtpHeader& header, std::span<uint8_t, kRtpHeaderSize> out) {
  out[0] = 0x80;
  out[1] = static_cast<uint8_t>((header.marker ? 0x80 : 0) | header.payload_type);
  write16(header.sequence, &out[2]);
  write32(header.timestamp, &out[4]);
  write32(header.ssrc, &out[8]);
}

}  // namespace dragoman

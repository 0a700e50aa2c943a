// SPDX-License-Identifier: LGPL-2.1-or-later
// The fixed header of an RTP packet (RFC 3550 section 5.1), read from untrusted bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dragoman {

struct RtpHeader {
  bool marker = false;
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  size_t payload_offset = 0;  ///< bytes before the payload: header, CSRCs and extension
  size_t payload_size = 0;    ///< bytes, padding taken off; never 0
};

/// The smallest RTP header, in bytes.
inline constexpr size_t kRtpHeaderSize = 12;

/// Reads the header of `datagram`; nothing if it is no RTP version 2 packet, or its CSRC list,
/// extension or padding reach beyond its end, or no payload is left.
std::optional<RtpHeader> parse_rtp(std::span<const uint8_t> datagram);

/// The sequence number of a packet that begins with `header`.
inline uint16_t rtp_sequence(std::span<const uint8_t, kRtpHeaderSize> header) {
  return static_cast<uint16_t>(header[2] << 8 | header[3]);
}

/// Writes a header without CSRCs and extension to the first kRtpHeaderSize bytes at `out`.
void write_rtp_header(const RtpHeader& header, std::span<uint8_t, kRtpHeaderSize> out);

}  // namespace dragoman

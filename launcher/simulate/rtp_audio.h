// SPDX-License-Identifier: LGPL-2.1-or-later
// RTP packets of telephone audio (RFC 3550, RFC 3551), as Asterisk's external media carries them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace dragoman::simulate {

inline constexpr int kRtpPayloadPcmu = 0, kRtpPayloadPcma = 8, kRtpPayloadG722 = 9,
                     kRtpPayloadL16At8000 = 11;

/// A received packet; `payload` points into what was parsed.
struct RtpPacket {
  int payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0, ssrc = 0;
  std::span<const uint8_t> payload;
};

/// Nothing if `data` is no whole RTP version 2 packet.
std::optional<RtpPacket> parse_rtp(std::span<const uint8_t> data);

/// How Asterisk sends an external-media format.
struct RtpFormat {
  const char* name;  ///< "slin16", …
  int payload_type;
  int sample_rate;  ///< Hz
};

/// The formats that can be sent: slin16 (118), slin (10), ulaw (0); null for another.
const RtpFormat* find_rtp_format(std::string_view name);

/// A packet of `samples`, which have the format's rate.
std::vector<uint8_t> make_rtp(const RtpFormat& format, uint16_t sequence, uint32_t timestamp,
                              uint32_t ssrc, std::span<const int16_t> samples);

}  // namespace dragoman::simulate

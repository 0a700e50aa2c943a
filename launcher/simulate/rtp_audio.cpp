// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/rtp_audio.h"

#include <algorithm>

extern "C" {
#include <inttypes.h>
#include <stdlib.h>
//
#include <spandsp/telephony.h>
//
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
}

namespace dragoman::simulate {
namespace {

constexpr size_t kHeaderBytes = 12;

constexpr RtpFormat kFormats[] = {{"slin16", 118, 16000}, {"slin", 10, 8000}, {"ulaw", 0, 8000}};

uint32_t read_big_endian(std::span<const uint8_t> data, size_t at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | data[at + i];
  return value;
}

void write_big_endian(std::vector<uint8_t>& data, uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) data.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

std::optional<RtpPacket> parse_rtp(std::span<const uint8_t> data) {
  if (data.size() < kHeaderBytes || data[0] >> 6 != 2) return {};
  size_t start = kHeaderBytes + 4 * (data[0] & 0x0f), end = data.size();
  if (data[0] & 0x10) {  // header extension
    if (start + 4 > end) return {};
    start += 4 + 4 * read_big_endian(data, start + 2, 2);
  }
  if (start > end) return {};
  if (data[0] & 0x20) {  // padding
    const size_t padding = data[end - 1];
    if (padding == 0 || padding > end - start) return {};
    end -= padding;
  }
  return RtpPacket{data[1] & 0x7f, static_cast<uint16_t>(read_big_endian(data, 2, 2)),
                   read_big_endian(data, 4, 4), read_big_endian(data, 8, 4),
                   data.subspan(start, end - start)};
}

const RtpFormat* find_rtp_format(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                   [name](const RtpFormat& each) { return name == each.name; });
  return found == std::end(kFormats) ? nullptr : found;
}

std::vector<uint8_t> make_rtp(const RtpFormat& format, uint16_t sequence, uint32_t timestamp,
                              uint32_t ssrc, std::span<const int16_t> samples) {
  std::vector<uint8_t> packet{0x80, static_cast<uint8_t>(format.payload_type)};
  write_big_endian(packet, sequence, 2);
  write_big_endian(packet, timestamp, 4);
  write_big_endian(packet, ssrc, 4);
  for (const int16_t sample : samples) {
    if (format.payload_type == kRtpPayloadPcmu) {
      packet.push_back(linear_to_ulaw(sample));
    } else {
      write_big_endian(packet, static_cast<uint16_t>(sample), 2);
    }
  }
  return packet;
}

}  // namespace dragoman::simulate

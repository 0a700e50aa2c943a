// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/payload.h"

#include "plugins/ari/rtp_packetizer.h"
#include "tests/plugins/ari/tone.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

using testing::purity;
using testing::rms;
using testing::tone;

class EveryFormat : public ::testing::TestWithParam<PayloadFormat> {};

TEST_P(EveryFormat, keeps_a_tone) {
  const PayloadInfo& info = payload_info(GetParam());
  PayloadEncoder encoder(GetParam());
  PayloadDecoder decoder(GetParam(), ByteOrder::kNetwork);
  const size_t packet = info.sample_rate / 50;
  std::vector<int16_t> heard;
  for (size_t i = 0; i < 50; ++i) {
    std::vector<uint8_t> payload;
    encoder.encode(tone(1000, info.sample_rate, i * packet, packet), payload);
    EXPECT_EQ(payload.size(), info.bytes_per_20_ms);
    const std::vector<int16_t> samples = decoder.decode(payload);
    EXPECT_EQ(samples.size(), 320u) << "20 ms in, 20 ms out, packet " << i;
    heard.insert(heard.end(), samples.begin(), samples.end());
  }
  const std::span<const int16_t> settled = std::span(heard).subspan(3200, 9600);
  EXPECT_GT(purity(settled, 1000, 16000), 0.995);
  EXPECT_NEAR(20 * std::log10(rms(settled) / (8000 / std::numbers::sqrt2)), 0, 0.2) << "dB";
}

TEST_P(EveryFormat, codes_silence_as_silence) {
  PayloadEncoder encoder(GetParam());
  PayloadDecoder decoder(GetParam(), ByteOrder::kNetwork);
  std::vector<uint8_t> payload;
  encoder.encode(std::vector<int16_t>(3200), payload);
  for (const int16_t sample : decoder.decode(payload)) ASSERT_LE(std::abs(sample), 16);
}

INSTANTIATE_TEST_SUITE_P(Payload, EveryFormat,
                         ::testing::Values(PayloadFormat::kSlin16, PayloadFormat::kSlin,
                                           PayloadFormat::kUlaw, PayloadFormat::kAlaw,
                                           PayloadFormat::kG722),
                         [](const auto& format) { return payload_info(format.param).nick; });

TEST(Payload, linear_samples_are_big_endian_in_rtp_and_little_endian_in_plain_datagrams) {
  const std::vector<uint8_t> bytes{0x12, 0x34};
  EXPECT_EQ(PayloadDecoder(PayloadFormat::kSlin16, ByteOrder::kNetwork).decode(bytes),
            std::vector<int16_t>{0x1234});
  EXPECT_EQ(PayloadDecoder(PayloadFormat::kSlin16, ByteOrder::kLittle).decode(bytes),
            std::vector<int16_t>{0x3412});
}

TEST(RtpPacketizerTest, counts_on_from_packet_to_packet) {
  RtpPacketizer packetizer(PayloadFormat::kG722);
  const std::vector<int16_t> samples(320);
  const auto first = *parse_rtp(packetizer.packet(samples));
  packetizer.skip(640);
  const auto second = *parse_rtp(packetizer.packet(samples));
  EXPECT_TRUE(first.marker);
  EXPECT_FALSE(second.marker);
  EXPECT_EQ(first.payload_type, 9);
  EXPECT_EQ(first.payload_size, 160u);
  EXPECT_EQ(second.sequence, static_cast<uint16_t>(first.sequence + 1));
  EXPECT_EQ(second.timestamp, first.timestamp + 3 * 160) << "G.722 counts 8 kHz";
  EXPECT_EQ(second.ssrc, first.ssrc);
  EXPECT_NE(RtpPacketizer(PayloadFormat::kG722).ssrc(), first.ssrc);
}

}  // namespace
}  // namespace dragoman

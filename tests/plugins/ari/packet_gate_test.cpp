// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/packet_gate.h"

#include <gtest/gtest.h>

#include <random>

namespace dragoman {
namespace {

constexpr int64_t kMs = 1'000'000;

GObjectPtr<GInetSocketAddress> address(const char* host, guint port) {
  return GObjectPtr<GInetSocketAddress>(
      G_INET_SOCKET_ADDRESS(g_inet_socket_address_new_from_string(host, port)));
}

PeerAddress peer(const char* text) {
  PeerAddress peer;
  std::string problem;
  EXPECT_TRUE(PeerAddress::parse(text, peer, problem)) << problem;
  return peer;
}

std::vector<uint8_t> packet(uint16_t sequence, uint8_t type = 118, size_t payload = 640) {
  std::vector<uint8_t> bytes(kRtpHeaderSize + payload, 1);
  write_rtp_header(
      {.payload_type = type, .sequence = sequence, .timestamp = sequence * 320u, .ssrc = 0x42},
      std::span<uint8_t, kRtpHeaderSize>(bytes.data(), kRtpHeaderSize));
  return bytes;
}

class PacketGateTest : public testing::Test {
 protected:
  PacketGate::Decision judge(std::vector<uint8_t> bytes, GInetSocketAddress* sender) {
    now_ns += 20 * kMs;
    return gate.judge(bytes, sender, now_ns, now_ns);
  }
  PacketGate gate{{}};
  GObjectPtr<GInetSocketAddress> asterisk = address("127.0.0.1", 20000);
  GObjectPtr<GInetSocketAddress> stranger = address("127.0.0.1", 666);
  int64_t now_ns = 0;
};

TEST_F(PacketGateTest, settles_on_the_first_valid_sender_and_says_so_once) {
  EXPECT_FALSE(judge({1, 2, 3}, stranger.get()).pass);
  EXPECT_FALSE(judge(packet(1, 96), stranger.get()).pass);
  const auto first = judge(packet(1), asterisk.get());
  EXPECT_TRUE(first.pass);
  EXPECT_EQ(first.started_by, "127.0.0.1:20000");
  EXPECT_EQ(first.payload_type, 118);
  EXPECT_EQ(judge(packet(2), asterisk.get()).started_by, "");
  EXPECT_FALSE(judge(packet(3), stranger.get()).pass);
}

TEST_F(PacketGateTest, warns_of_a_stranger_once_in_ten_seconds_and_names_it) {
  gate.peers().expect(peer("127.0.0.1:20000"));
  EXPECT_NE(judge(packet(1), stranger.get()).warning.find("127.0.0.1:666"), std::string::npos);
  for (int i = 0; i < 499; ++i) EXPECT_EQ(judge(packet(1), stranger.get()).warning, "");
  EXPECT_NE(judge(packet(1), stranger.get()).warning, "");
  EXPECT_EQ(gate.counters().foreign, 501u);
  EXPECT_EQ(gate.account().received(), 0u);
}

TEST_F(PacketGateTest, a_peer_without_port_is_the_first_of_that_host) {
  gate.peers().expect(peer("127.0.0.2"));
  EXPECT_FALSE(judge(packet(1), asterisk.get()).pass);
  const auto one = address("127.0.0.2", 1), other = address("127.0.0.2", 2);
  EXPECT_TRUE(judge(packet(1), one.get()).pass);
  EXPECT_FALSE(judge(packet(2), other.get()).pass);
}

TEST_F(PacketGateTest, wrong_payload_types_are_counted_and_each_is_warned_about_once) {
  const std::string warning = judge(packet(1, 0), asterisk.get()).warning;
  EXPECT_NE(warning.find("payload type 0"), std::string::npos) << warning;
  EXPECT_NE(warning.find("slin16"), std::string::npos) << warning;
  EXPECT_EQ(judge(packet(2, 0), asterisk.get()).warning, "");
  EXPECT_NE(judge(packet(3, 8), asterisk.get()).warning, "");
  EXPECT_EQ(gate.counters().wrong_payload, 3u);
  EXPECT_EQ(gate.counters().malformed, 0u);
}

TEST_F(PacketGateTest, odd_and_overlong_linear_payloads_are_malformed) {
  EXPECT_FALSE(judge(packet(1, 118, 639), asterisk.get()).pass);
  EXPECT_FALSE(judge(packet(1, 118, 6402), asterisk.get()).pass);
  EXPECT_TRUE(judge(packet(1, 118, 6400), asterisk.get()).pass);
  EXPECT_EQ(gate.counters().malformed, 2u);
}

TEST_F(PacketGateTest, duplicates_do_not_pass_but_are_counted) {
  EXPECT_TRUE(judge(packet(1), asterisk.get()).pass);
  EXPECT_FALSE(judge(packet(1), asterisk.get()).pass);
  EXPECT_EQ(gate.account().duplicated(), 1u);
}

TEST_F(PacketGateTest, readings_sum_to_the_books) {
  for (uint16_t sequence : {1, 2, 4, 3, 3, 7, 8, 9}) judge(packet(sequence), asterisk.get());
  double received = 0, lost = 0, duplicated = 0, reordered = 0;
  const auto readings = gate.take_readings();
  for (const PacketReadings& reading : readings) {
    received += reading.received;
    lost += reading.lost;
    duplicated += reading.duplicated;
    reordered += reading.reordered;
  }
  EXPECT_EQ(received, 8);
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(duplicated, 1);
  EXPECT_EQ(reordered, 1);
  EXPECT_FALSE(readings.front().jitter_ms);
  EXPECT_DOUBLE_EQ(*readings.back().jitter_ms, *gate.account().jitter_ms());
  EXPECT_TRUE(gate.take_readings().empty());
}

TEST_F(PacketGateTest, plain_datagrams_pass_if_they_are_whole_samples) {
  PacketGate plain{{.encapsulation = Encapsulation::kNone}};
  std::vector<uint8_t> good(640), odd(641), none;
  EXPECT_TRUE(plain.judge(good, asterisk.get(), 0, 0).pass);
  EXPECT_FALSE(plain.judge(odd, asterisk.get(), 0, 0).pass);
  EXPECT_FALSE(plain.judge(none, asterisk.get(), 0, 0).pass);
  EXPECT_EQ(plain.counters().malformed, 2u);
}

TEST_F(PacketGateTest, whatever_passes_has_a_whole_payload) {
  std::mt19937 random(11);
  uint64_t passed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::vector<uint8_t> bytes = packet(static_cast<uint16_t>(i), 118, random() % 64 * 2);
    for (uint32_t flips = random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    bytes.resize(random() % 3 ? bytes.size() : random() % (bytes.size() + 1));
    now_ns += 20 * kMs;
    if (!gate.judge(bytes, asterisk.get(), now_ns, now_ns).pass) continue;
    ++passed;
    const auto header = parse_rtp(bytes);
    ASSERT_TRUE(header);
    ASSERT_LE(header->payload_offset + header->payload_size, bytes.size());
  }
  EXPECT_GT(passed, 1000u);
  EXPECT_GT(gate.counters().malformed, 1000u);
}

TEST(PeerAddressTest, says_what_is_wrong_with_an_address) {
  PeerAddress peer;
  std::string problem;
  EXPECT_FALSE(PeerAddress::parse("127.0.0.1:99999", peer, problem));
  EXPECT_NE(problem, "");
  EXPECT_TRUE(PeerAddress::parse("[::1]:5000", peer, problem));
  EXPECT_EQ(peer.port, 5000);
  EXPECT_TRUE(PeerAddress::parse("", peer, problem));
  EXPECT_EQ(peer.address, nullptr);
}

}  // namespace
}  // namespace dragoman

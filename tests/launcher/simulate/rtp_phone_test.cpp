// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/rtp_phone.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <numbers>

#include "launcher/simulate/heard_track.h"
#include "launcher/simulate/rtp_audio.h"

extern "C" {
#include <inttypes.h>
#include <stdlib.h>
//
#include <spandsp/telephony.h>
//
#include <spandsp/bit_operations.h>
#include <spandsp/g722.h>
}

namespace dragoman::simulate {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr RtpFormat kHeardFormat{"L16", kRtpPayloadL16At8000, 8000};

std::vector<int16_t> tone(size_t samples, int rate, double amplitude = 8000) {
  std::vector<int16_t> result;
  for (size_t i = 0; i < samples; ++i) {
    result.push_back(static_cast<int16_t>(
        amplitude * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / rate)));
  }
  return result;
}

/// The launcher's end: a socket that takes what the phone sends and can answer.
class Peer {
 public:
  Peer() {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  ~Peer() { ::close(socket_); }

  std::string host() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

  /// The next packet's bytes; empty after two seconds of nothing.
  std::vector<uint8_t> receive() {
    pollfd readable{socket_, POLLIN, 0};
    if (::poll(&readable, 1, 2000) <= 0) return {};
    std::array<uint8_t, 2048> data;
    const ssize_t size = ::recv(socket_, data.data(), data.size(), 0);
    return {data.begin(), data.begin() + std::max<ssize_t>(size, 0)};
  }

  void send(const RtpPhone& phone, const std::vector<uint8_t>& packet) {
    sockaddr_in to = address_;
    to.sin_port = htons(static_cast<uint16_t>(phone.port()));
    ::sendto(socket_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }

 private:
  int socket_;
  sockaddr_in address_{};
};

TEST(RtpPhone, sends_a_packet_every_20_ms_with_silence_then_speech) {
  Peer peer;
  RtpPhone phone;
  ASSERT_TRUE(phone.start(peer.host(), "slin16"));
  std::vector<uint8_t> data = peer.receive();
  const auto first = parse_rtp(data);
  ASSERT_TRUE(first);
  EXPECT_EQ(data.size(), 652u);
  EXPECT_EQ(first->payload_type, 118);
  EXPECT_TRUE(std::all_of(first->payload.begin(), first->payload.end(),
                          [](uint8_t octet) { return octet == 0; }));
  const uint16_t sequence = first->sequence;
  const uint32_t timestamp = first->timestamp;
  const Clock::time_point start = Clock::now();
  phone.play(std::vector<int16_t>(16000, 0x1234));
  bool spoke = false;
  for (uint16_t i = 1; i <= 25; ++i) {
    data = peer.receive();
    const auto packet = parse_rtp(data);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->sequence, static_cast<uint16_t>(sequence + i));
    EXPECT_EQ(packet->timestamp, timestamp + 320 * i);
    spoke |= packet->payload[0] == 0x12 && packet->payload[1] == 0x34;
  }
  EXPECT_TRUE(spoke);
  EXPECT_NEAR(std::chrono::duration<double>(Clock::now() - start).count(), 0.5, 0.2);
  EXPECT_FALSE(phone.is_silent());
}

TEST(RtpPhone, hears_what_its_peer_sends_and_refuses_what_asterisk_would) {
  Peer peer, stranger;
  RtpPhone phone;
  ASSERT_TRUE(phone.start(peer.host(), "slin16"));
  const std::vector<int16_t> sound = tone(160, 8000);
  stranger.send(phone, make_rtp(kHeardFormat, 1, 0, 7, sound));
  peer.send(phone, make_rtp(*find_rtp_format("slin16"), 1, 0, 7, tone(320, 16000)));
  peer.send(phone, {0x80, 0x0b});
  peer.send(phone, make_rtp(kHeardFormat, 2, 160, 7, sound));
  const Clock::time_point deadline = Clock::now() + 2s;
  while (phone.counters().received + phone.counters().refused < 4 && Clock::now() < deadline) {
    peer.receive();
  }
  EXPECT_EQ(phone.counters().received, 1u);
  EXPECT_EQ(phone.counters().refused, 3u);
  EXPECT_TRUE(phone.has_heard_sound());
  phone.stop();
  const HeardAudio heard = phone.heard();
  EXPECT_EQ(heard.sample_rate, 8000);
  ASSERT_GE(heard.samples.size(), sound.size());
  EXPECT_TRUE(std::equal(sound.rbegin(), sound.rend(), heard.samples.rbegin()));
}

TEST(RtpPhone, refuses_a_host_or_a_format_it_cannot_send_to) {
  RtpPhone phone;
  EXPECT_FALSE(phone.start("localhost", "slin16"));
  EXPECT_FALSE(phone.start("127.0.0.1:70000", "slin16"));
  EXPECT_FALSE(phone.start("127.0.0.1:4000", "opus"));
}

/// Adds packet `number` of `samples` as if it arrived `late` after its time.
void add(HeardTrack& track, int number, const std::vector<int16_t>& samples, uint32_t ssrc = 1,
         std::chrono::milliseconds late = 0ms) {
  const auto bytes = make_rtp(kHeardFormat, static_cast<uint16_t>(number),
                              static_cast<uint32_t>(number) * 160, ssrc, samples);
  ASSERT_TRUE(track.add(*parse_rtp(bytes), number * 20ms + late));
}

TEST(HeardTrack, is_without_a_seam_when_packets_jitter_or_swap) {
  HeardTrack track;
  const std::vector<int16_t> sound = tone(160 * 5, 8000);
  for (int number : {0, 1, 3, 2, 4}) {
    const auto start = sound.begin() + number * 160;
    add(track, number, {start, start + 160}, 1, std::chrono::milliseconds(number % 2 * 35));
  }
  EXPECT_EQ(track.audio().samples, sound);
}

TEST(HeardTrack, leaves_silence_where_nothing_came_and_trusts_arrival_after_a_new_sender) {
  HeardTrack track;
  const std::vector<int16_t> sound(160, 1000);
  add(track, 0, sound);
  add(track, 10, sound, 2, 500ms);
  const std::vector<int16_t>& heard = track.audio().samples;
  ASSERT_EQ(heard.size(), 700u * 8 + 160);
  EXPECT_EQ(heard[159], 1000);
  EXPECT_EQ(heard[160], 0);
  EXPECT_EQ(heard[700 * 8], 1000);
}

TEST(HeardTrack, becomes_wideband_with_g722) {
  HeardTrack track;
  add(track, 0, std::vector<int16_t>(160, 1000));
  std::unique_ptr<g722_encode_state_t, decltype(&g722_encode_free)> encoder(
      g722_encode_init(nullptr, 64000, 0), g722_encode_free);
  const std::vector<int16_t> sound = tone(320 * 10, 16000);
  std::vector<uint8_t> octets(sound.size());
  octets.resize(static_cast<size_t>(
      g722_encode(encoder.get(), octets.data(), sound.data(), static_cast<int>(sound.size()))));
  RtpPacket packet{kRtpPayloadG722, 1, 160, 1, octets};
  ASSERT_TRUE(track.add(packet, 20ms));
  EXPECT_TRUE(track.last_was_sound());
  EXPECT_EQ(track.audio().sample_rate, 16000);
  EXPECT_EQ(track.audio().samples[319], 1000);
  ASSERT_EQ(track.audio().samples.size(), 320 + sound.size());
  double error = 0, power = 0;  // the codec's delay is 22 samples
  for (size_t i = 100; i < sound.size(); ++i) {
    const double said = sound[i - 22], difference = track.audio().samples[320 + i] - said;
    error += difference * difference;
    power += said * said;
  }
  EXPECT_LT(error, power / 100);
}

TEST(Rtp, refuses_truncated_packets) {
  std::vector<uint8_t> packet = make_rtp(kHeardFormat, 1, 2, 3, tone(160, 8000));
  EXPECT_TRUE(parse_rtp(packet));
  EXPECT_FALSE(parse_rtp({packet.data(), 11}));
  packet[0] = 0x90;  // claims a header extension longer than the packet
  packet[14] = packet[15] = 0xff;
  EXPECT_FALSE(parse_rtp(packet));
  packet[0] = 0xa0;  // claims more padding than there is
  packet.back() = 0xff;
  packet.resize(100);
  packet.back() = 0xff;
  EXPECT_FALSE(parse_rtp(packet));
  EXPECT_FALSE(parse_rtp({}));
}

}  // namespace
}  // namespace dragoman::simulate

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <set>

#include "tests/plugins/ari/media_lab.h"
#include "tests/plugins/ari/tone.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

using testing::Line;
using testing::Metronome;
using testing::Peer;
using testing::purity;
using testing::rms;

using Packets = std::vector<Peer::Received>;

std::function<bool(const Packets&)> count(size_t packets) {
  return [=](const Packets& all) { return all.size() >= packets; };
}

std::vector<int16_t> decoded(const Packets& packets, PayloadFormat format) {
  PayloadDecoder decoder(format, ByteOrder::kNetwork);
  std::vector<int16_t> samples;
  for (const auto& packet : packets) {
    const auto more = decoder.decode(packet.payload);
    samples.insert(samples.end(), more.begin(), more.end());
  }
  return samples;
}

TEST(AriUdpSink, sends_fifty_packets_a_second_of_one_stream_from_the_sources_port) {
  Peer peer;
  Line line("ariudpsrc name=in peer=" + peer.address() + " ! ariudpsink name=out source=in");
  line.play();
  const Packets packets = peer.receive(count(101));
  ASSERT_EQ(packets.size(), 101u);
  for (size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].from_port, line.port());
    EXPECT_EQ(packets[i].header.payload_type, 11);
    EXPECT_EQ(packets[i].payload.size(), 320u);
    EXPECT_EQ(packets[i].header.ssrc, packets[0].header.ssrc);
    EXPECT_EQ(packets[i].header.sequence, static_cast<uint16_t>(packets[0].header.sequence + i));
    EXPECT_EQ(packets[i].header.marker, i == 0);
  }
  EXPECT_NEAR(packets.back().at_ms - packets.front().at_ms, 2000, 60);
  EXPECT_TRUE(line.stat_reaches("sent", 101, "out"));
}

TEST(AriUdpSink, knows_where_to_send_once_the_peer_has_spoken) {
  Peer peer;
  Line line(
      "ariudpsrc name=in ! fakesink  audiotestsrc is-live=true samplesperbuffer=320 ! "
      "audio/x-raw,rate=16000 ! ariudpsink name=out");
  line.play();
  ASSERT_TRUE(line.stat_reaches("dropped-no-peer", 10, "out"));
  EXPECT_EQ(line.stat("sent", "out"), 0);
  peer.send(0, line.port());
  EXPECT_EQ(peer.receive(count(10)).size(), 10u);
}

/// The 300 ms that are most of all a tone: a busy machine may tear it somewhere.
std::span<const int16_t> purest_part(const std::vector<int16_t>& samples, double hz) {
  constexpr size_t kPart = 4800;
  std::span<const int16_t> best;
  for (size_t at = 0; at + kPart <= samples.size(); at += 320) {
    const auto part = std::span(samples).subspan(at, kPart);
    if (best.empty() || purity(part, hz, 16000) > purity(best, hz, 16000)) best = part;
  }
  return best;
}

class EveryFormatSent : public ::testing::TestWithParam<PayloadFormat> {};

TEST_P(EveryFormatSent, carries_a_tone_from_source_to_sink) {
  const PayloadInfo& info = payload_info(GetParam());
  Peer peer;
  peer.tone_hz = 1000;
  Line line(std::string("ariudpsrc name=in latency=200 peer=") + peer.address() +
            " ! ariudpsink source=in format=" + info.nick);
  line.play();
  const Metronome time;
  for (int i = 0; i < 100; ++i) {
    time.until(20 * i);
    peer.send(i, line.port());
  }
  const Packets packets = peer.receive(count(110));
  for (const auto& packet : packets) {
    ASSERT_EQ(packet.header.payload_type, info.sent_type);
    ASSERT_EQ(packet.payload.size(), info.bytes_per_20_ms);
  }
  const std::vector<int16_t> heard = decoded(packets, GetParam());
  const std::span<const int16_t> best = purest_part(heard, 1000);
  EXPECT_GT(purity(best, 1000, 16000), 0.99);
  EXPECT_NEAR(20 * std::log10(rms(best) / (8000 / std::numbers::sqrt2)), 0, 0.3) << "dB";
}

INSTANTIATE_TEST_SUITE_P(AriUdpSink, EveryFormatSent,
                         ::testing::Values(PayloadFormat::kSlin, PayloadFormat::kUlaw,
                                           PayloadFormat::kAlaw, PayloadFormat::kG722),
                         [](const auto& format) { return payload_info(format.param).nick; });

/// Waits of packets behind the one before, ms.
std::vector<double> waits(const Packets& packets) {
  std::vector<double> waits;
  for (size_t i = 1; i < packets.size(); ++i) {
    waits.push_back(packets[i].at_ms - packets[i - 1].at_ms);
  }
  return waits;
}

TEST(AriUdpSink, paces_an_upstream_that_pushes_bursts) {
  Peer peer;
  // 200 ms at a time.
  Line line("ariudpsrc name=in peer=" + peer.address() +
            " ! fakesink  audiotestsrc is-live=true samplesperbuffer=3200 num-buffers=10 ! "
            "audio/x-raw,rate=16000 ! ariudpsink name=out source=in");
  line.play();
  const Packets packets = peer.receive(count(75));
  ASSERT_EQ(packets.size(), 75u);
  std::vector<double> between = waits(packets);
  std::ranges::nth_element(between, between.begin() + 37);
  EXPECT_NEAR(between[37], 20, 2) << "median";
  // Whatever the machine does to us: no three packets within one packet's time.
  EXPECT_LT(std::ranges::count_if(between, [](double ms) { return ms < 5; }), 8);
  EXPECT_NEAR(packets.back().at_ms - packets.front().at_ms, 74 * 20, 60);
}

TEST(AriUdpSink, fills_the_holes_of_upstream_with_silence) {
  Peer peer;
  Line line("ariudpsrc name=in peer=" + peer.address() +
            " ! fakesink  audiotestsrc is-live=true samplesperbuffer=160 num-buffers=25 ! "
            "audio/x-raw,rate=8000 ! ariudpsink name=out source=in");
  line.play();
  const Packets packets = peer.receive(count(75));
  ASSERT_EQ(packets.size(), 75u);
  const std::vector<int16_t> heard = decoded(packets, PayloadFormat::kSlin);
  const auto audible = std::ranges::count_if(heard, [](int16_t s) { return std::abs(s) > 300; });
  EXPECT_NEAR(static_cast<double>(audible) / 16, 500, 30) << "ms; all that was given, no more";
  EXPECT_NEAR(line.stat("silence-packets", "out"), 50, 5);
}

TEST(AriUdpSink, sends_all_of_an_upstream_that_can_wait_and_then_ends) {
  Peer peer;
  Line line("ariudpsrc name=in peer=" + peer.address() +
            " ! fakesink  audiotestsrc samplesperbuffer=1000 num-buffers=16 wave=square ! "
            "audio/x-raw,rate=16000 ! ariudpsink name=out source=in format=ulaw");
  line.play();
  const Packets packets = peer.receive(count(75));
  const std::vector<int16_t> heard = decoded(packets, PayloadFormat::kUlaw);
  const auto loud = [](int16_t sample) { return std::abs(sample) > 3000; };
  const auto first = std::ranges::find_if(heard, loud);
  const auto last = std::find_if(heard.rbegin(), heard.rend(), loud).base();
  const double ms = static_cast<double>(last - first) / 16;
  EXPECT_GE(ms, 994) << "the resampler keeps the last few";
  EXPECT_LE(ms, 1060) << "on a busy machine a packet of silence may come between";
}

TEST(AriUdpSink, has_a_new_ssrc_after_a_restart) {
  Peer peer;
  Line line("ariudpsrc name=in peer=" + peer.address() + " ! ariudpsink source=in");
  std::set<uint32_t> ssrcs;
  for (int run = 0; run < 3; ++run) {
    line.play();
    const size_t before = ssrcs.size();
    peer.receive([&](const Packets& all) {
      if (!all.empty()) ssrcs.insert(all.back().header.ssrc);
      return ssrcs.size() > before;
    });
    ASSERT_TRUE(line.set_state(GST_STATE_NULL));
  }
  EXPECT_EQ(ssrcs.size(), 3u);
}

TEST(AriUdpSink, keeps_sending_to_a_peer_that_changes_while_playing) {
  Peer one, other;
  Line line("ariudpsrc name=in peer=" + one.address() + " ! ariudpsink source=in");
  line.play();
  EXPECT_EQ(one.receive(count(5)).size(), 5u);
  g_object_set(line.element(), "peer", other.address().c_str(), nullptr);
  EXPECT_EQ(other.receive(count(5)).size(), 5u);
}

TEST(AriUdpSink, counts_what_cannot_be_sent_and_goes_on) {
  Peer peer;
  Line line("ariudpsrc name=in peer=[::1]:9 ! ariudpsink name=out source=in");
  line.play();
  ASSERT_TRUE(line.stat_reaches("send-errors", 5, "out"));
  EXPECT_EQ(line.stat("sent", "out"), 0);
  g_object_set(line.element(), "peer", peer.address().c_str(), nullptr);
  EXPECT_EQ(peer.receive(count(5)).size(), 5u);
  EXPECT_EQ(line.count_messages(GST_MESSAGE_ERROR), 0);
}

TEST(AriUdpSink, says_that_the_source_is_not_there) {
  Line line("ariudpsrc name=in ! fakesink  audiotestsrc ! ariudpsink source=other");
  EXPECT_FALSE(line.set_state(GST_STATE_PAUSED));
  const std::string error = line.message(GST_MESSAGE_ERROR);
  EXPECT_NE(error.find("\"other\""), std::string::npos) << error;
}

TEST(AriUdpSink, must_be_told_which_of_two_sources) {
  Line line("ariudpsrc name=in ! fakesink  ariudpsrc ! ariudpsink");
  EXPECT_FALSE(line.set_state(GST_STATE_PAUSED));
  EXPECT_NE(line.message(GST_MESSAGE_ERROR).find("more than one"), std::string::npos);
}

TEST(AriUdpSink, pauses_with_the_pipeline_and_goes_on) {
  Peer peer;
  Line line("ariudpsrc name=in peer=" + peer.address() +
            " ! fakesink  audiotestsrc samplesperbuffer=4000 ! audio/x-raw,rate=16000 ! "
            "ariudpsink name=out source=in");
  line.play();
  EXPECT_EQ(peer.receive(count(20)).size(), 20u);
  ASSERT_TRUE(line.set_state(GST_STATE_PAUSED));
  const double sent = line.stat("sent", "out");
  line.play();
  EXPECT_TRUE(line.stat_reaches("sent", sent + 20, "out"));
}

}  // namespace
}  // namespace dragoman

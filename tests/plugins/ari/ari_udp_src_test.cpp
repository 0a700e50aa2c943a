// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>

#include <algorithm>
#include <random>

#include "tests/plugins/ari/media_lab.h"
#include "tests/plugins/ari/tone.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

using testing::expect_unbroken;
using testing::Line;
using testing::Metronome;
using testing::Peer;
using testing::purity;
using testing::rms;

/// Sends packets 0 … count-1 at their times, but for those `skip` names.
void send_stream(
    Peer& peer, int port, int count,
    const std::function<bool(int)>& skip = [](int) { return false; }) {
  const Metronome time;
  for (int i = 0; i < count; ++i) {
    time.until(20 * i);
    if (!skip(i)) peer.send(i, port);
  }
}

/// `ms` of what was heard, from 100 ms after it became loud on.
std::span<const int16_t> settled(const std::vector<int16_t>& heard, size_t ms) {
  const auto loud = [](int16_t sample) { return std::abs(sample) > 500; };
  const auto first = static_cast<size_t>(std::ranges::find_if(heard, loud) - heard.begin()) + 1600;
  if (first + 16 * ms <= heard.size()) return std::span(heard).subspan(first, 16 * ms);
  ADD_FAILURE() << "heard less than " << ms << " ms";
  return {};
}

void expect_tone(std::span<const int16_t> samples) {
  EXPECT_GT(purity(samples, 440, 16000), 0.995);
  EXPECT_NEAR(20 * std::log10(rms(samples) / (8000 / std::numbers::sqrt2)), 0, 0.2) << "dB";
}

int open_descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

TEST(AriUdpSrc, gives_silence_at_once_and_without_end_when_nothing_comes) {
  Line line("ariudpsrc name=in ! fakesink");
  line.play();
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.size() >= 50; }));
  const auto frames = line.frames();
  expect_unbroken(frames);
  EXPECT_LT(frames.front().running_at, 150 * GST_MSECOND);
  for (const auto& frame : frames) {
    EXPECT_TRUE(frame.gap);
    EXPECT_EQ(rms(frame.samples), 0);
  }
  EXPECT_EQ(line.stat("underruns"), 0);
}

TEST(AriUdpSrc, picks_a_free_port_and_says_which) {
  Line line("ariudpsrc name=in port=0 ! fakesink");
  EXPECT_EQ(line.port(), 0);
  ASSERT_TRUE(line.set_state(GST_STATE_PAUSED));
  GSocket* raw = nullptr;
  g_object_get(line.element(), "socket", &raw, nullptr);
  GObjectPtr<GSocket> socket(raw);
  ASSERT_TRUE(socket);
  GObjectPtr<GSocketAddress> bound(g_socket_get_local_address(socket.get(), nullptr));
  EXPECT_EQ(g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get())), line.port());
  ASSERT_TRUE(line.set_state(GST_STATE_NULL));
  EXPECT_EQ(line.port(), 0);
  EXPECT_TRUE(g_socket_is_closed(socket.get()));
}

TEST(AriUdpSrc, says_which_port_is_in_use_and_what_to_do) {
  Line first("ariudpsrc name=in ! fakesink");
  ASSERT_TRUE(first.set_state(GST_STATE_PAUSED));
  const std::string port = std::to_string(first.port());
  Line second("ariudpsrc name=in port=" + port + " ! fakesink");
  EXPECT_FALSE(second.set_state(GST_STATE_PAUSED));
  const std::string error = second.message(GST_MESSAGE_ERROR);
  EXPECT_NE(error.find("port " + port), std::string::npos) << error;
  EXPECT_NE(error.find("in use"), std::string::npos) << error;
  EXPECT_NE(error.find("another port"), std::string::npos) << error;
}

TEST(AriUdpSrc, refuses_addresses_that_are_none) {
  Line address("ariudpsrc name=in address=nowhere ! fakesink");
  EXPECT_FALSE(address.set_state(GST_STATE_PAUSED));
  EXPECT_NE(address.message(GST_MESSAGE_ERROR).find("nowhere"), std::string::npos);
  Line peer("ariudpsrc name=in peer=127.0.0.1:port ! fakesink");
  EXPECT_FALSE(peer.set_state(GST_STATE_PAUSED));
  EXPECT_NE(peer.message(GST_MESSAGE_ERROR).find("127.0.0.1:port"), std::string::npos);
}

TEST(AriUdpSrc, is_live_with_its_latency) {
  Line line("ariudpsrc name=in latency=40 ! fakesink");
  line.play();
  const std::unique_ptr<GstQuery, Deleter<gst_query_unref>> query(gst_query_new_latency());
  const GstObjectPtr<GstPad> pad(gst_element_get_static_pad(line.element(), "src"));
  ASSERT_TRUE(gst_pad_query(pad.get(), query.get()));
  gboolean live = FALSE;
  GstClockTime least = 0, most = 0;
  gst_query_parse_latency(query.get(), &live, &least, &most);
  EXPECT_TRUE(live);
  EXPECT_EQ(least, 40 * GST_MSECOND);
}

TEST(AriUdpSrc, plays_what_the_peer_sends_and_says_that_media_started) {
  Peer peer;
  Line line("ariudpsrc name=in peer=" + peer.address() + " latency=200 ! fakesink");
  line.play();
  send_stream(peer, line.port(), 100);
  ASSERT_TRUE(line.stat_reaches("received", 100));
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  expect_unbroken(line.frames());
  const auto started = line.message(GST_MESSAGE_ELEMENT, "media-started");
  EXPECT_NE(started.find(peer.address()), std::string::npos) << started;
  EXPECT_EQ(line.count_messages(GST_MESSAGE_ELEMENT), 0);
  EXPECT_EQ(line.stat("lost"), 0);
  expect_tone(settled(line.heard(), 1800));
}

class EveryFormatReceived : public ::testing::TestWithParam<PayloadFormat> {};

TEST_P(EveryFormatReceived, is_heard_as_it_was_sent) {
  Peer peer;
  peer.format = GetParam();
  Line line(std::string("ariudpsrc name=in latency=200 format=") + payload_info(GetParam()).nick +
            " ! fakesink");
  line.play();
  send_stream(peer, line.port(), 50);
  ASSERT_TRUE(line.stat_reaches("received", 50));
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  expect_tone(settled(line.heard(), 800));
  EXPECT_EQ(line.stat("wrong-payload"), 0);
}

INSTANTIATE_TEST_SUITE_P(AriUdpSrc, EveryFormatReceived,
                         ::testing::Values(PayloadFormat::kSlin16, PayloadFormat::kSlin,
                                           PayloadFormat::kUlaw, PayloadFormat::kAlaw,
                                           PayloadFormat::kG722),
                         [](const auto& format) { return payload_info(format.param).nick; });

TEST(AriUdpSrc, plays_plain_datagrams) {
  Peer peer;
  Line line("ariudpsrc name=in encapsulation=none format=slin16 latency=200 ! fakesink");
  line.play();
  const Metronome time;
  for (size_t i = 0; i < 50; ++i) {
    time.until(20.0 * static_cast<double>(i));
    const auto samples = testing::tone(440, 16000, i * 320, 320);
    peer.send_bytes({reinterpret_cast<const uint8_t*>(samples.data()), 640}, line.port());
  }
  ASSERT_TRUE(line.stat_reaches("received", 50));
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  expect_unbroken(line.frames());
  expect_tone(settled(line.heard(), 800));
}

TEST(AriUdpSrc, drops_what_a_stranger_sends_and_names_him_once) {
  Peer peer, stranger;
  stranger.ssrc = 0x666;
  Line line("ariudpsrc name=in peer=" + peer.address() + " ! fakesink");
  line.play();
  for (int i = 0; i < 30; ++i) {
    stranger.send(i, line.port());
    peer.send(i, line.port());
  }
  ASSERT_TRUE(line.stat_reaches("received", 30));
  EXPECT_EQ(line.stat("foreign"), 30);
  EXPECT_EQ(line.stat("received"), 30);
  EXPECT_EQ(line.stat("restarts"), 0);
  const std::string warning = line.message(GST_MESSAGE_WARNING);
  EXPECT_NE(warning.find(stranger.address()), std::string::npos) << warning;
  EXPECT_EQ(line.count_messages(GST_MESSAGE_WARNING), 0);
}

TEST(AriUdpSrc, changes_its_peer_while_playing) {
  Peer one, other;
  other.ssrc = 0x2002;
  Line line("ariudpsrc name=in peer=" + one.address() + " ! fakesink");
  line.play();
  one.send(0, line.port());
  ASSERT_TRUE(line.stat_reaches("received", 1));
  g_object_set(line.element(), "peer", other.address().c_str(), nullptr);
  one.send(1, line.port());
  other.send(0, line.port());
  ASSERT_TRUE(line.stat_reaches("received", 2));
  EXPECT_EQ(line.stat("foreign"), 1);
  g_object_set(line.element(), "peer", "not:a:peer:", nullptr);
  EXPECT_NE(line.message(GST_MESSAGE_WARNING).find(one.address()), std::string::npos);
  EXPECT_NE(line.message(GST_MESSAGE_WARNING).find("not:a:peer:"), std::string::npos);
  other.send(1, line.port());
  EXPECT_TRUE(line.stat_reaches("received", 3));
}

TEST(AriUdpSrc, counts_a_wrong_payload_type_and_says_so_once) {
  Peer peer;
  peer.payload_type = 0;
  Line line("ariudpsrc name=in format=slin16 ! fakesink");
  line.play();
  for (int i = 0; i < 20; ++i) peer.send(i, line.port());
  ASSERT_TRUE(line.stat_reaches("wrong-payload", 20));
  EXPECT_NE(line.message(GST_MESSAGE_WARNING).find("payload type 0"), std::string::npos);
  EXPECT_EQ(line.count_messages(GST_MESSAGE_WARNING), 0);
  EXPECT_EQ(line.stat("received"), 0);
}

TEST(AriUdpSrc, survives_thousands_of_mutated_packets_and_plays_on) {
  for (const char* format : {"slin16", "ulaw", "g722"}) {
    Peer peer, marker;
    Line line(std::string("ariudpsrc name=in format=") + format + " peer=" + peer.address() +
              " ! fakesink");
    line.play();
    std::mt19937 random(23);
    for (int i = 0; i < 3000; ++i) {
      std::vector<uint8_t> bytes(kRtpHeaderSize + random() % 700);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      write_rtp_header({.payload_type = payload_info(peer.format).received_type,
                        .sequence = static_cast<uint16_t>(i),
                        .timestamp = static_cast<uint32_t>(i) * 320,
                        .ssrc = 1},
                       std::span<uint8_t, kRtpHeaderSize>(bytes.data(), kRtpHeaderSize));
      for (uint32_t flips = random() % 5; flips > 0; --flips) {
        bytes[random() % kRtpHeaderSize] = static_cast<uint8_t>(random());
      }
      if (random() % 4 == 0) bytes.resize(random() % bytes.size() + 1);
      peer.send_bytes(bytes, line.port());
      // Not more at a time than the kernel keeps.
      if (i % 50 == 49) {
        marker.send(0, line.port());
        ASSERT_TRUE(line.stat_reaches("foreign", i / 50 + 1));
      }
    }
    EXPECT_GT(line.stat("malformed") + line.stat("wrong-payload"), 500);
    const size_t before = line.frames().size();
    ASSERT_TRUE(line.wait([&](const auto& frames) { return frames.size() > before + 10; }));
    EXPECT_EQ(line.count_messages(GST_MESSAGE_ERROR), 0);
  }
}

TEST(AriUdpSrc, counts_loss_reordering_and_duplicates_and_keeps_the_stream_whole) {
  Peer peer;
  Line line("ariudpsrc name=in latency=200 ! fakesink");
  line.play();
  const int port = line.port();
  const Metronome time;
  for (int i = 0; i < 200; ++i) {
    time.until(20 * i);
    if (i % 10 == 5) continue;  // 10 % lost, each alone
    if (i % 20 == 7) {          // swapped with the next
      peer.send(i + 1, port);
      peer.send(i, port);
    } else if (i % 20 != 8) {
      peer.send(i, port);
    }
    if (i % 50 == 3) peer.send(i, port);  // twice
  }
  ASSERT_TRUE(line.stat_reaches("received", 184));
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  expect_unbroken(line.frames());
  EXPECT_EQ(line.stat("received"), 184);
  EXPECT_EQ(line.stat("lost"), 200 - 184) << "of 20, as 4 came twice (RFC 3550 A.3)";
  EXPECT_EQ(line.stat("duplicated"), 4);
  EXPECT_EQ(line.stat("reordered"), 10);
  EXPECT_EQ(line.stat("late"), 0);
  // Nineteen or twenty losses and the end, each faded out alone.
  EXPECT_EQ(line.stat("concealed-ms"), 20 * 20 + 60);
  EXPECT_EQ(line.stat("underruns"), 1);
  EXPECT_EQ(line.reading_total("packets_received"), 184);
  EXPECT_EQ(line.reading_total("packets_lost"), 16);
  EXPECT_EQ(line.reading_total("packets_duplicated"), 4);
  EXPECT_EQ(line.reading_total("packets_reordered"), 10);
  EXPECT_DOUBLE_EQ(line.readings("jitter_ms").back(), line.stat("jitter-ms"));
  EXPECT_EQ(line.readings("jitter_ms").size(), 183u);
}

TEST(AriUdpSrc, tells_of_what_the_buffer_did) {
  Peer peer;
  Line line("ariudpsrc name=in latency=200 ! fakesink");
  line.play();
  send_stream(peer, line.port(), 30);
  ASSERT_TRUE(line.stat_reaches("underruns", 1));
  const size_t before = line.frames().size();
  ASSERT_TRUE(line.wait([&](const auto& frames) { return frames.size() > before + 6; }));
  EXPECT_EQ(line.reading_total("buffer_underruns"), 1);
  EXPECT_EQ(line.reading_total("concealed_ms"), 60);
  const auto usage = line.readings("buffer_usage_pct");
  ASSERT_FALSE(usage.empty());
  for (const double pct : usage) {
    EXPECT_GE(pct, 0);
    EXPECT_LE(pct, 100);
  }
}

TEST(AriUdpSrc, a_pause_of_three_seconds_is_silence_and_the_audio_after_it_comes_at_once) {
  Peer peer;
  Line line("ariudpsrc name=in ! fakesink");
  line.play();
  const Metronome time;
  for (int i = 0; i < 50; ++i) {
    time.until(20 * i);
    peer.send(i, line.port());
  }
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  // The timestamps do not show the pause.
  const size_t before = line.frames().size();
  for (int i = 50; i < 100; ++i) {
    time.until(3000 + 20 * i);
    peer.send(i, line.port());
    if (i > 50) continue;
    ASSERT_TRUE(line.wait([&](const auto& frames) { return !frames.back().gap; }));
    const auto frames = line.frames();
    GstClockTime silent = 0;
    for (size_t f = before; f < frames.size(); ++f) silent += frames[f].gap * frames[f].duration;
    EXPECT_NEAR(static_cast<double>(silent) / GST_MSECOND, 3000, 150);
    EXPECT_NEAR(static_cast<double>(frames.back().pts),
                static_cast<double>(frames.back().running_at), 150.0 * GST_MSECOND)
        << "it has the time at which it came";
  }
  expect_unbroken(line.frames());
  EXPECT_EQ(line.stat("lost"), 0);
}

TEST(AriUdpSrc, plays_on_after_a_jump_of_sequence_numbers) {
  Peer peer;
  Line line("ariudpsrc name=in latency=200 ! fakesink");
  line.play();
  const Metronome time;
  for (int i = 0; i < 100; ++i) {
    time.until(20 * i);
    if (i == 50) {
      peer.first_sequence = static_cast<uint16_t>(peer.first_sequence + 20'000);
      peer.first_timestamp += 123'456'789;
    }
    peer.send(i, line.port());
  }
  ASSERT_TRUE(line.stat_reaches("received", 100));
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  expect_unbroken(line.frames());
  EXPECT_EQ(line.stat("restarts"), 1);
  EXPECT_EQ(line.stat("lost"), 0);
  EXPECT_EQ(line.stat("stray"), 0);
  // One packet is the price of telling a jump from a stray one; the new times are those of
  // arrival, with its jitter.
  EXPECT_NEAR(line.stat("concealed-ms"), 20 + 60, 20);
}

TEST(AriUdpSrc, plays_on_when_the_sender_restarts_with_a_new_ssrc) {
  Peer peer;
  Line line("ariudpsrc name=in latency=200 ! fakesink");
  line.play();
  const Metronome time;
  for (int i = 0; i < 100; ++i) {
    time.until(20 * i);
    if (i == 50) {
      peer.ssrc = 0x2002;
      peer.first_sequence = 11;
      peer.first_timestamp = 22;
    }
    peer.send(i, line.port());
  }
  ASSERT_TRUE(line.stat_reaches("received", 100));
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.back().gap; }));
  expect_unbroken(line.frames());
  EXPECT_EQ(line.stat("restarts"), 1);
  EXPECT_EQ(line.stat("concealed-ms"), 60) << "only the end";
  size_t silent_after_start = 0;
  const auto frames = line.frames();
  const auto audio = [](const Line::Frame& frame) { return !frame.gap; };
  const auto last = std::find_if(frames.rbegin(), frames.rend(), audio);
  for (auto at = std::ranges::find_if(frames, audio); at != last.base(); ++at) {
    silent_after_start += at->gap;
  }
  EXPECT_EQ(silent_after_start, 0u);
}

TEST(AriUdpSrc, a_packet_after_its_play_out_time_counts_as_late) {
  Peer peer;
  Line line("ariudpsrc name=in latency=40 ! fakesink");
  line.play();
  const Metronome time;
  for (int i = 0; i < 40; ++i) {
    time.until(20 * i);
    if (i != 20) peer.send(i, line.port());
    if (i == 30) peer.send(20, line.port());
  }
  ASSERT_TRUE(line.stat_reaches("received", 40));
  EXPECT_TRUE(line.stat_reaches("late", 1));
  EXPECT_EQ(line.stat("reordered"), 1);
  EXPECT_EQ(line.stat("lost"), 0);
}

TEST(AriUdpSrc, pauses_and_goes_on) {
  Peer peer;
  Line line("ariudpsrc name=in ! fakesink");
  line.play();
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.size() >= 5; }));
  ASSERT_TRUE(line.set_state(GST_STATE_PAUSED));
  const size_t before = line.frames().size();
  line.play();
  peer.send(0, line.port());
  ASSERT_TRUE(line.wait([&](const auto& frames) { return frames.size() >= before + 20; }));
  EXPECT_EQ(line.stat("received"), 1);
  expect_unbroken(line.frames());
}

TEST(AriUdpSrc, starts_and_stops_fifty_times_on_one_port_and_leaves_nothing_open) {
  Line line("ariudpsrc name=in ! ariudpsink source=in");
  ASSERT_TRUE(line.set_state(GST_STATE_PAUSED));
  g_object_set(line.element(), "port", line.port(), nullptr);
  ASSERT_TRUE(line.set_state(GST_STATE_NULL));
  const int before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(line.set_state(GST_STATE_PLAYING)) << line.message(GST_MESSAGE_ERROR);
    if (i % 2) {
      Peer peer;
      peer.send(0, line.port());
    }
    ASSERT_TRUE(line.set_state(GST_STATE_NULL));
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace dragoman

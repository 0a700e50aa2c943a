// SPDX-License-Identifier: LGPL-2.1-or-later
// What ariudpsrc tells of its stream once a second, and of its buffer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "plugins/ari/stream_report.h"
#include "tests/plugins/ari/media_lab.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

using testing::Line;
using testing::Metronome;
using testing::Peer;

constexpr const char* kOnceASecond[] = {
    "jitter_max_ms",     "interarrival_max_ms", "bitrate_kbps", "clock_skew_ppm",
    "burst_density_pct", "gap_density_pct",     "r_factor",     "mos"};

/// Sends packets 0 … count-1 at their times, but for those that `skip` names.
void send_stream(
    Peer& peer, int port, int count,
    const std::function<bool(int)>& skip = [](int) { return false; }) {
  const Metronome time;
  for (int i = 0; i < count; ++i) {
    time.until(20 * i);
    if (!skip(i)) peer.send(i, port);
  }
}

TEST(AriUdpSrcReadings, tell_a_good_stream_once_a_second) {
  Peer peer;
  peer.format = PayloadFormat::kUlaw;
  Line line("ariudpsrc name=in format=ulaw latency=200 ! fakesink");
  line.play();
  send_stream(peer, line.port(), 200);
  ASSERT_TRUE(line.has_readings("bitrate_kbps", 4));
  const auto rates = line.readings("bitrate_kbps");
  // The first is of a whole second; while the test's own clock is held up it may have less.
  EXPECT_NEAR(rates[0], 64, 3);
  const auto mos = line.readings("mos"), r = line.readings("r_factor");
  ASSERT_GE(mos.size(), 2u);
  ASSERT_EQ(mos.size(), r.size());
  EXPECT_NEAR(r.back(), rate_stream({}, PayloadFormat::kUlaw, 220), 0.001);
  EXPECT_NEAR(mos.back(), mos_of(r.back()), 0.001);
  for (const double pct : line.readings("gap_density_pct")) EXPECT_EQ(pct, 0);
  EXPECT_TRUE(line.readings("burst_density_pct").empty()) << "there was none";
  EXPECT_TRUE(line.readings("clock_skew_ppm").empty()) << "not to be known in 4 s";
  const auto waits = line.readings("interarrival_max_ms");
  EXPECT_EQ(*std::ranges::max_element(waits), line.stat("interarrival-max-ms"));
  EXPECT_GE(*std::ranges::max_element(waits), 20);
  const auto jitters = line.readings("jitter_max_ms");
  EXPECT_EQ(*std::ranges::max_element(jitters), line.stat("jitter-max-ms"));
}

TEST(AriUdpSrcReadings, tell_loss_and_lateness_as_bursts_and_gaps) {
  Peer peer;
  Line line("ariudpsrc name=in latency=300 ! fakesink");
  line.play();
  const int port = line.port();
  const Metronome time;
  // Lost: 50 to 53 and 56 (a burst of 5 in 7), 100 (alone); 150 comes 700 ms late.
  for (int i = 0; i < 200; ++i) {
    time.until(20 * i);
    if (i == 185) peer.send(150, port);
    const bool lost = (i >= 50 && i < 54) || i == 56 || i == 100 || i == 150;
    if (!lost) peer.send(i, port);
  }
  ASSERT_TRUE(line.stat_reaches("late", 1));
  ASSERT_TRUE(line.stat_reaches("received", 194));
  const size_t told = line.readings("bitrate_kbps").size();
  ASSERT_TRUE(line.has_readings("bitrate_kbps", told + 1));
  ASSERT_EQ(line.stat("late"), 1);
  ASSERT_FALSE(line.readings("burst_density_pct").empty());
  EXPECT_DOUBLE_EQ(line.readings("burst_density_pct").back(), 100 * 5.0 / 7);
  EXPECT_NEAR(line.readings("gap_density_pct").back(), 100 * 2.0 / 193, 0.01);
  EXPECT_LT(line.readings("mos").back(), mos_of(rate_stream({}, PayloadFormat::kSlin16, 320)));
}

TEST(AriUdpSrcReadings, of_plain_datagrams_tell_only_the_buffer) {
  Peer peer;
  Line line("ariudpsrc name=in encapsulation=none format=slin16 latency=200 ! fakesink");
  line.play();
  const Metronome time;
  const std::vector<uint8_t> silence(640);
  for (int i = 0; i < 110; ++i) {
    time.until(20 * i);
    peer.send_bytes(silence, line.port());
  }
  ASSERT_TRUE(line.stat_reaches("received", 110));
  for (const char* key : kOnceASecond) EXPECT_TRUE(line.readings(key).empty()) << key;
  for (const char* key : {"packets_received", "packets_lost", "jitter_ms"}) {
    EXPECT_TRUE(line.readings(key).empty()) << key;
  }
  EXPECT_FALSE(line.readings("buffer_depth_ms").empty());
  const StructurePtr stats(line.stats());
  EXPECT_FALSE(gst_structure_has_field(stats.get(), "mos"));
  EXPECT_FALSE(gst_structure_has_field(stats.get(), "interarrival-max-ms"));
}

TEST(AriUdpSrcReadings, of_silence_tell_nothing) {
  Line line("ariudpsrc name=in ! fakesink");
  line.play();
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.size() >= 110; }));
  for (const char* key : kOnceASecond) EXPECT_TRUE(line.readings(key).empty()) << key;
  EXPECT_TRUE(line.readings("buffer_depth_ms").empty());
  EXPECT_TRUE(line.readings("buffer_overruns").empty());
}

TEST(AriUdpSrcReadings, tell_how_deep_the_buffer_is_while_a_packet_is_missing) {
  Peer peer;
  Line line("ariudpsrc name=in latency=500 ! fakesink");
  line.play();
  send_stream(peer, line.port(), 100, [](int i) { return i == 50; });
  ASSERT_TRUE(line.stat_reaches("received", 99));
  const auto depths = line.readings("buffer_depth_ms");
  ASSERT_GT(depths.size(), 10u);
  // The jitter buffer waits 375 ms for what is missing.
  EXPECT_GT(*std::ranges::max_element(depths), 200);
  EXPECT_LE(*std::ranges::max_element(depths), 520);
  EXPECT_GE(*std::ranges::min_element(depths), 0);
  EXPECT_LE(depths.front(), 60);
}

GstPadProbeReturn hold(GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }

TEST(AriUdpSrcReadings, tell_that_the_buffer_ran_over_while_nobody_took_its_audio) {
  Peer peer;
  Line line("ariudpsrc name=in ! fakesink");
  line.play();
  ASSERT_TRUE(line.wait([](const auto& frames) { return frames.size() >= 2; }));
  const GstObjectPtr<GstPad> pad(gst_element_get_static_pad(line.element(), "src"));
  const gulong held = gst_pad_add_probe(
      pad.get(), static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      hold, nullptr, nullptr);
  const Metronome time;
  int sent = 0;
  for (; line.stat("overruns") < 1 && sent < 200; ++sent) {
    time.until(20 * sent);
    peer.send(sent, line.port());
  }
  EXPECT_NEAR(sent, 50, 5) << "packets of 20 ms until a second of audio waits";
  gst_pad_remove_probe(pad.get(), held);
  ASSERT_TRUE(line.total_reaches("buffer_overruns", 1));
  EXPECT_EQ(line.reading_total("buffer_overruns"), line.stat("overruns"));
}

}  // namespace
}  // namespace dragoman

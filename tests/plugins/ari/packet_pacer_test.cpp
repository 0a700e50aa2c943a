// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/packet_pacer.h"

#include <gtest/gtest.h>

#include <numeric>

namespace dragoman {
namespace {

constexpr size_t kPacket = 160;
using enum PacketPacer::Backlog;

std::vector<int16_t> ramp(size_t samples, int16_t first = 1) {
  std::vector<int16_t> out(samples);
  std::iota(out.begin(), out.end(), first);
  return out;
}

TEST(PacketPacer, gives_silence_while_nothing_waits) {
  PacketPacer pacer(kPacket);
  const auto packet = pacer.tick(kWorkOff);
  EXPECT_FALSE(packet.audio);
  EXPECT_EQ(packet.samples, std::vector<int16_t>(kPacket, 0));
}

TEST(PacketPacer, holds_the_first_piece_for_one_tick_then_flows) {
  PacketPacer pacer(kPacket);
  pacer.put(ramp(kPacket));
  EXPECT_FALSE(pacer.tick(kWorkOff).audio);
  pacer.put(ramp(kPacket, 161));
  EXPECT_EQ(pacer.tick(kWorkOff).samples, ramp(kPacket));
  EXPECT_EQ(pacer.tick(kWorkOff).samples, ramp(kPacket, 161));
  EXPECT_FALSE(pacer.tick(kWorkOff).audio);
}

TEST(PacketPacer, an_uneven_upstream_tears_nothing) {
  PacketPacer pacer(kPacket);
  std::vector<int16_t> out;
  int16_t next = 1;
  for (int tick = 0; tick < 100; ++tick) {
    // Two packets on every other tick.
    if (tick % 2 == 0) {
      pacer.put(ramp(2 * kPacket, next));
      next = static_cast<int16_t>(next + 2 * kPacket);
    }
    const auto packet = pacer.tick(kWorkOff);
    EXPECT_TRUE(packet.audio) << tick;
    out.insert(out.end(), packet.samples.begin(), packet.samples.end());
  }
  EXPECT_EQ(out, ramp(100 * kPacket));
}

TEST(PacketPacer, the_rest_leaves_when_no_more_comes) {
  PacketPacer pacer(kPacket);
  pacer.put(ramp(40));
  EXPECT_FALSE(pacer.tick(kWorkOff).audio);
  const auto packet = pacer.tick(kWorkOff);
  EXPECT_TRUE(packet.audio);
  EXPECT_EQ(packet.samples[39], 40);
  EXPECT_EQ(packet.samples[40], 0);
  EXPECT_EQ(pacer.waiting(), 0u);
}

TEST(PacketPacer, standing_audio_is_worked_off_in_silence_only) {
  PacketPacer pacer(kPacket);
  pacer.put(std::vector<int16_t>(4 * kPacket, 5000));
  for (int tick = 0; tick < 200; ++tick) {
    pacer.put(std::vector<int16_t>(kPacket, 5000));
    pacer.tick(kWorkOff);
  }
  EXPECT_EQ(pacer.waiting(), 4 * kPacket) << "speech is not cut";
  for (int tick = 0; tick < 300; ++tick) {
    pacer.put(std::vector<int16_t>(kPacket, 3));
    pacer.tick(kWorkOff);
  }
  EXPECT_LE(pacer.waiting(), 2 * kPacket);
}

TEST(PacketPacer, an_upstream_that_waits_for_us_loses_nothing) {
  PacketPacer pacer(kPacket);
  size_t given = 0, taken = 0;
  for (int tick = 0; tick < 300; ++tick) {
    for (; !pacer.full(); given += kPacket) pacer.put(std::vector<int16_t>(kPacket, 3));
    taken += pacer.tick(kKeep).samples.size();
  }
  EXPECT_EQ(given - taken, pacer.waiting());
}

}  // namespace
}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/rtp_timeline.h"

#include <gtest/gtest.h>

namespace dragoman {
namespace {

constexpr uint32_t kRate = 8000;
constexpr int64_t kMs = 1'000'000;

struct Stream {
  RtpAccount account;
  RtpTimeline timeline{kRate, 40 * kMs};
  int64_t start_ms = -1;
  uint32_t start_timestamp = 0;

  /// Sends a packet and says how many ms after its arrival the mended timestamp is.
  int64_t ahead_ms(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, int64_t arrival_ms,
                   uint16_t* mapped_sequence = nullptr) {
    RtpHeader header{.sequence = sequence, .timestamp = timestamp, .ssrc = ssrc};
    const auto verdict = account.update(header, arrival_ms * kMs, kRate);
    timeline.map(header, verdict, arrival_ms * kMs);
    if (start_ms < 0) {
      start_ms = arrival_ms;
      start_timestamp = header.timestamp;
    }
    if (mapped_sequence) *mapped_sequence = header.sequence;
    return static_cast<int32_t>(header.timestamp - start_timestamp) / 8 - (arrival_ms - start_ms);
  }
};

TEST(RtpTimeline, leaves_a_steady_stream_alone) {
  Stream stream;
  for (int i = 0; i < 500; ++i) {
    uint16_t mapped = 0;
    const auto sequence = static_cast<uint16_t>(65400 + i);
    ASSERT_EQ(stream.ahead_ms(1, sequence, 0xfffff000u + 160u * i, 20 * i, &mapped), 0);
    ASSERT_EQ(mapped, sequence);
  }
}

TEST(RtpTimeline, leaves_jitter_within_the_latency_alone) {
  Stream stream;
  for (int i = 0; i < 200; ++i) {
    const int64_t delay = i % 3 * 18;
    ASSERT_EQ(stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i + delay), -delay);
  }
  EXPECT_EQ(stream.timeline.max_delay_ns(), 36 * kMs);
}

TEST(RtpTimeline, a_pause_that_the_timestamps_do_not_show_is_put_in_at_once) {
  Stream stream;
  for (int i = 0; i < 50; ++i) stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i);
  for (int i = 50; i < 100; ++i) {
    ASSERT_EQ(stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i + 3000), 0);
  }
}

TEST(RtpTimeline, a_short_pause_is_put_in_after_three_packets) {
  Stream stream;
  for (int i = 0; i < 50; ++i) stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i);
  EXPECT_EQ(stream.ahead_ms(1, 50, 160u * 50, 1100), -100);
  EXPECT_EQ(stream.ahead_ms(1, 51, 160u * 51, 1120), -100);
  EXPECT_EQ(stream.ahead_ms(1, 52, 160u * 52, 1140), 0);
  EXPECT_EQ(stream.ahead_ms(1, 53, 160u * 53, 1160), 0);
}

TEST(RtpTimeline, one_packet_held_up_moves_nothing) {
  Stream stream;
  for (int i = 0; i < 50; ++i) stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i);
  EXPECT_EQ(stream.ahead_ms(1, 50, 160u * 50, 1080), -80);
  EXPECT_EQ(stream.ahead_ms(1, 51, 160u * 51, 1080), -60);
  EXPECT_EQ(stream.ahead_ms(1, 52, 160u * 52, 1080), -40);
  EXPECT_EQ(stream.ahead_ms(1, 53, 160u * 53, 1080), -20);
  EXPECT_EQ(stream.ahead_ms(1, 54, 160u * 54, 1080), 0);
}

TEST(RtpTimeline, timestamps_that_run_away_are_brought_back) {
  Stream stream;
  for (int i = 0; i < 50; ++i) stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i);
  EXPECT_EQ(stream.ahead_ms(1, 50, 900'000, 1000), 0);
  EXPECT_EQ(stream.ahead_ms(1, 51, 900'160, 1020), 0);
}

TEST(RtpTimeline, a_restarted_sender_goes_on_where_the_old_one_ended) {
  Stream stream;
  uint16_t mapped = 0;
  for (int i = 0; i < 50; ++i) stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i);
  EXPECT_EQ(stream.ahead_ms(2, 30'000, 77, 1500, &mapped), 0);
  EXPECT_EQ(mapped, 50);
  EXPECT_EQ(stream.ahead_ms(2, 30'001, 77 + 160, 1520, &mapped), 0);
  EXPECT_EQ(mapped, 51);
}

TEST(RtpTimeline, a_long_gap_of_numbers_is_closed_and_a_short_one_kept) {
  Stream stream;
  uint16_t mapped = 0;
  for (int i = 0; i < 5; ++i) stream.ahead_ms(1, static_cast<uint16_t>(i), 160u * i, 20 * i);
  stream.ahead_ms(1, 7, 160 * 7, 140, &mapped);
  EXPECT_EQ(mapped, 7);
  stream.ahead_ms(1, 500, 160 * 8, 160, &mapped);
  EXPECT_EQ(mapped, 8);
  stream.ahead_ms(1, 499, 160 * 7, 161, &mapped);
  EXPECT_EQ(mapped, 7);
}

}  // namespace
}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/playout_buffer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace dragoman {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr size_t kFrame = PlayoutBuffer::kFrame;

std::vector<int16_t> tone(int64_t start_ms, size_t samples = kFrame, double hz = 200) {
  std::vector<int16_t> out(samples);
  for (size_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(start_ms) / 1000 + static_cast<double>(i) / 16000;
    out[i] = static_cast<int16_t>(std::lround(10000 * std::sin(2 * std::numbers::pi * hz * t)));
  }
  return out;
}

class PlayoutBufferTest : public testing::Test {
 protected:
  PlayoutBufferTest() { buffer.start(0); }

  /// Takes every frame that is due at `now_ms`, checking that they follow each other.
  void play(int64_t now_ms) {
    while (buffer.ready() || buffer.deadline_ns() <= now_ms * kMs) {
      PlayoutBuffer::Frame frame = buffer.take(now_ms * kMs);
      EXPECT_EQ(frame.start_ns, end_ns) << "at " << now_ms << " ms";
      end_ns =
          frame.start_ns + static_cast<int64_t>(frame.samples.size()) * PlayoutBuffer::kSampleNs;
      if (frame.silent) silent += frame.samples.size();
      heard.insert(heard.end(), frame.samples.begin(), frame.samples.end());
    }
  }

  PlayoutBuffer buffer{40 * kMs, 10 * kMs};
  std::vector<int16_t> heard;
  int64_t end_ns = 0;
  size_t silent = 0;
};

TEST_F(PlayoutBufferTest, silence_leaves_at_once_and_then_at_each_deadline) {
  play(0);
  EXPECT_EQ(heard.size(), kFrame);
  play(1000);
  EXPECT_EQ(end_ns, 980 * kMs);
  EXPECT_EQ(silent, heard.size());
  EXPECT_EQ(buffer.counters().concealed_samples, 0u);
  EXPECT_EQ(buffer.counters().underruns, 0u);
}

TEST_F(PlayoutBufferTest, a_packet_that_comes_in_time_leaves_at_once) {
  play(0);
  for (int i = 0; i < 50; ++i) {
    const int64_t at = 33 + 20 * i;
    buffer.put(at * kMs, tone(at));
    play(at);
    EXPECT_EQ(end_ns, (at + 20) * kMs);
  }
  EXPECT_EQ(silent, 33u * 16);
}

TEST_F(PlayoutBufferTest, what_was_put_is_what_is_heard) {
  for (int at = 0; at < 1000; at += 20) {
    buffer.put(at * kMs, tone(at));
    play(at);
  }
  EXPECT_EQ(heard, tone(0, 16000));
}

TEST_F(PlayoutBufferTest, packets_of_other_lengths_become_an_unbroken_stream) {
  for (int at = 0; at < 900; at += 30) {
    buffer.put(at * kMs, tone(at, 480));
    play(at);
  }
  play(930);
  heard.resize(900 * 16);
  EXPECT_EQ(heard, tone(0, 900 * 16));
}

TEST_F(PlayoutBufferTest, a_lost_packet_is_made_up_and_counted) {
  for (int at = 0; at < 1000; at += 20) {
    if (at == 500) continue;
    buffer.put(at * kMs, tone(at));
    play(at);
  }
  EXPECT_EQ(buffer.counters().concealed_samples, kFrame);
  EXPECT_EQ(buffer.counters().underruns, 0u);
  EXPECT_EQ(heard.size(), 16000u);
  double error = 0;
  const auto truth = tone(0, 16000);
  for (size_t i = 8000; i < 8160; ++i) error = std::max(error, std::abs(1.0 * heard[i] - truth[i]));
  EXPECT_LT(error, 500) << "a 200 Hz tone goes on through the hole";
}

TEST_F(PlayoutBufferTest, what_is_missing_is_whole_packets_whatever_the_jitter_of_their_time) {
  for (int i = 0; i < 50; ++i) {
    if (i % 5 == 2 || i % 5 == 3) continue;
    const int64_t jitter_ns = i * 7'654'321 % (9 * kMs) - 4 * kMs;
    buffer.put(i * 20 * kMs + jitter_ns, tone(20 * i));
    play(20 * i);
  }
  EXPECT_EQ(buffer.counters().concealed_samples, 20 * kFrame);
}

TEST_F(PlayoutBufferTest, when_audio_stops_it_fades_into_silence_and_counts_one_underrun) {
  for (int at = 0; at < 500; at += 20) {
    buffer.put(at * kMs, tone(at));
    play(at);
  }
  for (int at = 500; at <= 3500; at += 20) play(at);
  EXPECT_EQ(buffer.counters().concealed_samples, 60u * 16);
  EXPECT_EQ(buffer.counters().underruns, 1u);
  EXPECT_EQ(end_ns, 3480 * kMs);
  EXPECT_EQ(heard[560 * 16 + 1], 0);
  buffer.put(3500 * kMs, tone(3500));
  play(3500);
  EXPECT_EQ(end_ns, 3520 * kMs) << "back at once, with its own time";
  EXPECT_EQ(buffer.counters().concealed_samples, 60u * 16);
}

TEST_F(PlayoutBufferTest, a_packet_after_its_play_out_time_is_dropped_and_counted) {
  for (int at = 0; at < 200; at += 20) {
    buffer.put(at * kMs, tone(at));
    play(at);
  }
  play(245);
  buffer.put(200 * kMs, tone(200));
  EXPECT_EQ(buffer.counters().late, 1u);
  buffer.put(220 * kMs, tone(220));
  play(250);
  EXPECT_EQ(end_ns, 240 * kMs);
}

TEST_F(PlayoutBufferTest, a_drifting_sender_is_followed_in_small_steps) {
  for (int i = 0; i < 5000; ++i) {  // 500 ppm fast: 50 ms in 100 s
    const int64_t at_ns = 20 * kMs * i - 10'000 * static_cast<int64_t>(i);
    buffer.put(at_ns, tone(20 * i));
    play(at_ns / kMs);
  }
  EXPECT_NEAR(static_cast<double>(end_ns) / kMs, 100'000 - 50, 35);
  EXPECT_EQ(buffer.counters().late, 0u);
  EXPECT_EQ(buffer.counters().underruns, 0u);
}

TEST_F(PlayoutBufferTest, what_nobody_takes_is_bounded) {
  for (int at = 0; at < 10'000; at += 20) buffer.put(at * kMs, tone(at));
  EXPECT_LE(buffer.depth_ns(), 1000 * kMs);
  EXPECT_GT(buffer.counters().overruns, 0u);
  const PlayoutBuffer::Frame frame = buffer.take(10'000 * kMs);
  EXPECT_TRUE(frame.jumped);
  EXPECT_GT(frame.start_ns, 9'000 * kMs);
}

TEST(ConcealerTest, joins_real_audio_without_a_step) {
  Concealer concealer;
  auto before = tone(0, 1600, 123), after = tone(120, 320, 123);
  concealer.play(before);
  std::vector<int16_t> made(320);
  EXPECT_EQ(concealer.conceal(made), 320u);
  concealer.play(after);
  const double slope = 2 * std::numbers::pi * 123 / 16000 * 10000;
  EXPECT_LT(std::abs(made.front() - before.back()), 3 * slope);
  EXPECT_LT(std::abs(after.front() - made.back()), 3 * slope);
}

TEST(ConcealerTest, has_nothing_to_say_before_it_heard_something) {
  Concealer concealer;
  std::vector<int16_t> made(320, 5);
  EXPECT_EQ(concealer.conceal(made), 0u);
  EXPECT_EQ(made, std::vector<int16_t>(320, 0));
}

}  // namespace
}  // namespace dragoman

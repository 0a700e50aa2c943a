// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/clock_skew.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace dragoman {
namespace {

constexpr int64_t kMs = 1'000'000;

/// A sender of 20 ms packets whose clock is off by `ppm`.
struct Sender {
  double ppm = 0;
  std::function<double()> jitter_ms = [] { return 0.0; };
  uint32_t timestamp = 0xffff0000;
  double sent_ms = 5'000'000;
  int64_t last_ns = 0;
  ClockSkew skew;

  void send(double seconds) {
    for (int i = 0; i < seconds * 50; ++i) {
      last_ns = std::max<int64_t>(last_ns + 1, std::llround((sent_ms + jitter_ms()) * kMs));
      skew.packet(last_ns, timestamp, 8000);
      timestamp += 160;
      sent_ms += 20 / (1 + ppm / 1e6);
    }
  }
};

class Skews : public ::testing::TestWithParam<double> {};

TEST_P(Skews, are_found_to_5_ppm_after_60_s_of_20_ms_jitter) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> evenly(0, 20);
    std::exponential_distribution<double> queues(1 / 20.0);
    Sender even{.ppm = GetParam(), .jitter_ms = [&] { return evenly(random); }};
    Sender queued{.ppm = GetParam(), .jitter_ms = [&] { return queues(random); }};
    even.send(61);
    queued.send(61);
    ASSERT_TRUE(even.skew.ppm() && queued.skew.ppm());
    EXPECT_NEAR(*even.skew.ppm(), GetParam(), 5) << "seed " << seed;
    EXPECT_NEAR(*queued.skew.ppm(), GetParam(), 5) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(ClockSkew, Skews, ::testing::Values(0, 12, -80, 300, -1000));

TEST(ClockSkew, says_nothing_before_half_a_minute) {
  Sender sender{.ppm = 100};
  EXPECT_FALSE(sender.skew.ppm());
  sender.send(30);
  EXPECT_FALSE(sender.skew.ppm());
  sender.send(3);
  ASSERT_TRUE(sender.skew.ppm());
  EXPECT_NEAR(*sender.skew.ppm(), 100, 1);
  sender.skew.restart();
  EXPECT_FALSE(sender.skew.ppm());
}

TEST(ClockSkew, goes_on_for_an_hour_and_follows_a_change) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> evenly(0, 20);
  Sender sender{.ppm = 50, .jitter_ms = [&] { return evenly(random); }};
  sender.send(3000);
  EXPECT_NEAR(*sender.skew.ppm(), 50, 2);
  sender.ppm = -50;
  sender.send(600);
  EXPECT_NEAR(*sender.skew.ppm(), -50, 2);
}

TEST(ClockSkew, a_queue_that_fills_for_a_while_changes_nothing) {
  Sender sender{.ppm = 40};
  sender.send(60);
  double queue_ms = 0;
  sender.jitter_ms = [&] { return queue_ms = std::min(queue_ms + 0.5, 200.0); };
  sender.send(5);
  sender.jitter_ms = [] { return 0.0; };
  sender.send(60);
  EXPECT_NEAR(*sender.skew.ppm(), 40, 1);
}

TEST(ClockSkew, begins_again_where_timestamps_leave_out_a_pause) {
  Sender sender{.ppm = 40};
  sender.send(100);
  sender.sent_ms += 3000;
  sender.send(9);
  ASSERT_TRUE(sender.skew.ppm());
  EXPECT_NEAR(*sender.skew.ppm(), 40, 1) << "not yet sure of the other line";
  sender.send(5);
  EXPECT_FALSE(sender.skew.ppm());
  sender.send(30);
  EXPECT_NEAR(*sender.skew.ppm(), 40, 1);
}

TEST(ClockSkew, begins_again_where_timestamps_or_our_clock_jump) {
  Sender sender{.ppm = 40};
  sender.send(100);
  sender.timestamp += 80'000'000;
  sender.send(2);
  EXPECT_FALSE(sender.skew.ppm());
  sender.send(40);
  EXPECT_NEAR(*sender.skew.ppm(), 40, 1);
  sender.sent_ms -= 3'600'000;
  sender.last_ns = 0;
  sender.send(2);
  EXPECT_FALSE(sender.skew.ppm());
  sender.send(40);
  EXPECT_NEAR(*sender.skew.ppm(), 40, 1);
}

TEST(ClockSkew, survives_timestamps_without_sense) {
  std::mt19937 random(9);
  ClockSkew skew;
  for (int64_t i = 0; i < 20'000; ++i) {
    skew.packet(i * 20 * kMs, static_cast<uint32_t>(random()), 8000);
    ASSERT_TRUE(std::isfinite(skew.ppm().value_or(0)));
  }
  for (int i = 0; i < 10; ++i) skew.packet(20'000 * 20 * kMs, 0, 8000);
  for (uint32_t i = 0; i < 1'000'000; ++i) skew.packet(i * 20 * kMs, i * 0x7fffffff, 8000);
}

}  // namespace
}  // namespace dragoman

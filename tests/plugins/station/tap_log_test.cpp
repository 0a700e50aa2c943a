// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_log.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>
#include <vector>

#include "plugins/station/tap_pairs.h"

namespace dragoman {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kStart = 1'700'000'000'000 * kMs;

std::vector<float> ramp(size_t count, float first = 0) {
  std::vector<float> samples(count);
  std::iota(samples.begin(), samples.end(), first);
  return samples;
}

TEST(TapLog, gives_the_audio_of_a_time_if_it_has_all_of_it) {
  TapLog log;
  log.set_rate(8000);
  EXPECT_EQ(log.audio_end(), 0u);
  log.append(ramp(800), kStart + 100 * kMs);
  log.append(ramp(800, 800), kStart + 200 * kMs);
  EXPECT_EQ(log.audio_end(), kStart + 200 * kMs);
  std::vector<float> got(80);
  ASSERT_TRUE(log.copy_audio(kStart + 95 * kMs, got));
  EXPECT_EQ(got, ramp(80, 760));
  ASSERT_TRUE(log.copy_audio(kStart + 190 * kMs, got));
  EXPECT_FALSE(log.copy_audio(kStart + 191 * kMs, got)) << "not here yet";
  EXPECT_FALSE(log.copy_audio(kStart - kMs, got)) << "before the begin";
  EXPECT_FALSE(log.copy_audio(kStart + 300 * kMs, got));
  log.clear();
  EXPECT_FALSE(log.copy_audio(kStart + 95 * kMs, got));
}

TEST(TapLog, does_not_join_what_is_apart) {
  for (const int64_t gap_ms : {500, -50}) {
    TapLog log;
    log.set_rate(8000);
    log.append(ramp(800), kStart + 100 * kMs);
    const uint64_t end = kStart + 200 * kMs + static_cast<uint64_t>(gap_ms) * kMs;
    log.append(ramp(800, 5000), end);
    std::vector<float> got(800);
    ASSERT_TRUE(log.copy_audio(end - 100 * kMs, got));
    EXPECT_EQ(got, ramp(800, 5000));
    EXPECT_FALSE(log.copy_audio(end - 101 * kMs, got)) << gap_ms;
  }
}

TEST(TapLog, joins_decimated_pieces_of_any_size) {
  TapLog log;
  log.set_rate(8000);
  for (uint64_t i = 1; i <= 4800; ++i) {  // of 48 kHz, every 6th sample is kept
    log.append(i % 6 == 1 ? ramp(1, static_cast<float>(i / 6)) : ramp(0),
               kStart + i * 1'000'000'000 / 48'000);
  }
  std::vector<float> got(800);
  ASSERT_TRUE(log.copy_audio(kStart, got));
  EXPECT_EQ(got, ramp(800));
}

TEST(TapLog, forgets_what_nobody_reads_any_more) {
  TapLog log;
  log.follow();
  log.set_rate(8000);
  const auto hear = [&](uint64_t begin) {
    log.append(ramp(800), begin + 100 * kMs);
    log.passed(begin, begin + 100 * kMs, 1000 * kMs);
  };
  hear(kStart);
  log.departed(100);
  log.unfollow();
  EXPECT_FALSE(log.followed());
  EXPECT_EQ(log.audio_end(), 0u);
  std::vector<float> got(80);
  EXPECT_FALSE(log.copy_audio(kStart, got));
  EXPECT_FALSE(log.passed_at(kStart, kStart + kMs));
  log.follow();
  log.partner_entered(200);
  log.returned(10'000'000, 1000);
  EXPECT_FALSE(log.take_load()) << "it departed before";
  hear(kStart + 5000 * kMs);
  EXPECT_TRUE(log.copy_audio(kStart + 5000 * kMs, got));
  EXPECT_TRUE(log.passed_at(kStart + 5000 * kMs, kStart + 5001 * kMs));
}

TEST(TapLog, forgets_the_oldest_audio) {
  TapLog log;
  log.set_rate(8000);
  uint64_t end = kStart;
  for (int i = 0; i < 100; ++i)
    log.append(ramp(1000, 1000.0f * static_cast<float>(i)), end += 125 * kMs);
  std::vector<float> got(8000);
  ASSERT_TRUE(log.copy_audio(end - TapLog::kHistoryNs, got));
  EXPECT_EQ(got.front(), 100'000 - 56'000);
  EXPECT_FALSE(log.copy_audio(end - TapLog::kHistoryNs - kMs, got));
  log.append(ramp(70'000), end += 8750 * kMs);
  ASSERT_TRUE(log.copy_audio(end - 1000 * kMs, got));
  EXPECT_EQ(got.front(), 62'000);
}

TEST(TapLog, knows_when_samples_passed) {
  TapLog log;
  EXPECT_FALSE(log.passed_at(kStart, kStart + 1));
  log.passed(kStart, kStart + 20 * kMs, 1000 * kMs);
  log.passed(kStart + 20 * kMs, kStart + 40 * kMs, 1030 * kMs);
  EXPECT_EQ(log.passed_at(kStart, kStart + 20 * kMs), 1000 * kMs);
  EXPECT_EQ(log.passed_at(kStart + 10 * kMs, kStart + 30 * kMs), 1015 * kMs);
  EXPECT_EQ(log.passed_at(kStart + 40 * kMs, kStart + 60 * kMs), 1050 * kMs) << "yet to come";
  EXPECT_FALSE(log.passed_at(kStart - 20 * kMs, kStart));
  EXPECT_FALSE(log.passed_at(kStart + 2000 * kMs, kStart + 2020 * kMs)) << "no more to come";
  log.passed(kStart + 100 * kMs, kStart + 120 * kMs, 1100 * kMs);
  EXPECT_FALSE(log.passed_at(kStart + 50 * kMs, kStart + 60 * kMs)) << "a hole";
}

TEST(TapLog, takes_the_shortest_buffers_together) {
  TapLog log;
  for (uint64_t i = 0; i < 80'000; ++i) {
    log.passed(kStart + i * kMs / 8, kStart + (i + 1) * kMs / 8, i * kMs / 8);
  }
  const auto passed = log.passed_at(kStart + 7000 * kMs, kStart + 7100 * kMs);
  ASSERT_TRUE(passed);
  EXPECT_NEAR(static_cast<double>(*passed), 7050.0 * kMs, 0.2 * kMs);
}

TEST(TapLog, counts_the_work_between_two_taps_of_a_thread) {
  TapLog log;
  EXPECT_FALSE(log.take_load());
  log.departed(100);
  log.partner_entered(160);
  log.partner_left(960);
  log.partner_entered(970);
  log.partner_left(1970);
  log.returned(2000, 1000);
  EXPECT_EQ(log.take_load(), 0.1);  // 60 + 10 + 30 of 1000
  EXPECT_FALSE(log.take_load());
}

TEST(TapLog, knows_no_work_if_the_partner_is_in_another_thread) {
  TapLog log;
  log.departed(100);
  std::thread([&] {
    log.partner_entered(5);
    log.partner_left(10);
  }).join();
  log.returned(200, 1000);
  EXPECT_FALSE(log.take_load());
}

TEST(TapPairs, finds_a_tap_while_it_lives) {
  TapPairs pairs;
  const TapKey key{"trace", "St_3", "PRE"};
  EXPECT_FALSE(pairs.find(key));
  auto log = std::make_shared<TapLog>();
  pairs.enter(key, log);
  EXPECT_EQ(pairs.find(key), log);
  EXPECT_FALSE(pairs.find({"trace", "St_4", "PRE"}));
  EXPECT_FALSE(pairs.find({"other", "St_3", "PRE"}));
  pairs.leave(key, log);
  EXPECT_FALSE(pairs.find(key));
  pairs.enter(key, log);
  log.reset();
  EXPECT_FALSE(pairs.find(key)) << "it holds none alive";
}

TEST(TapPairs, lets_the_later_of_two_of_one_name_stay) {
  TapPairs pairs;
  const TapKey key{"trace", "St_3", "PRE"};
  const auto first = std::make_shared<TapLog>(), second = std::make_shared<TapLog>();
  pairs.enter(key, first);
  pairs.enter(key, second);
  pairs.leave(key, first);
  EXPECT_EQ(pairs.find(key), second);
}

TEST(TapPairs, tells_a_tap_that_it_is_followed_whichever_comes_first) {
  TapPairs pairs;
  const TapKey key{"trace", "St_3", "PRE"};
  const auto alone = std::make_shared<TapLog>(), early = std::make_shared<TapLog>(),
             late = std::make_shared<TapLog>();
  pairs.enter(key, alone);
  EXPECT_FALSE(alone->followed());
  pairs.leave(key, alone);
  pairs.enter(key, early);
  pairs.follow(key);
  EXPECT_TRUE(early->followed());
  pairs.enter(key, late);
  EXPECT_TRUE(late->followed());
  pairs.follow(key);
  pairs.unfollow(key);
  EXPECT_TRUE(late->followed()) << "by another";
  pairs.unfollow(key);
  EXPECT_FALSE(late->followed());
  pairs.unfollow(key);
}

}  // namespace
}  // namespace dragoman

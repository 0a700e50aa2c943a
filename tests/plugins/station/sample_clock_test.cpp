// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/sample_clock.h"

#include <gtest/gtest.h>

#include <map>

namespace dragoman {
namespace {

constexpr uint64_t kSecond = 1'000'000'000, kMs = 1'000'000;
constexpr uint64_t kEdge = 1'700'000'005 * kSecond;
constexpr int kRate = 8000;

SampleClock clock_at(uint64_t utc, int rate = kRate) {
  SampleClock clock;
  clock.set_rate(rate);
  clock.place(utc, 0);
  return clock;
}

// Samples of each bucket when `total` come from `start` on in buffers of `size`, stamped exactly.
std::map<uint64_t, uint64_t> counts(uint64_t start, int rate, uint64_t total, uint64_t size) {
  SampleClock clock;
  clock.set_rate(rate);
  std::map<uint64_t, uint64_t> found;
  for (uint64_t done = 0; done < total; done += size) {
    uint64_t frames = std::min(size, total - done);
    const auto placement = clock.place(start + frames_to_ns(done, rate), frames);
    EXPECT_EQ(placement.hole + placement.overlap, 0u);
    while (frames) {
      const uint64_t n = std::min(frames, clock.frames_left_in_bucket());
      found[clock.bucket()] += n;
      clock.advance(n);
      frames -= n;
    }
  }
  return found;
}

TEST(SampleClock, cuts_buckets_at_the_same_samples_whatever_the_buffers) {
  for (int rate : {8000, 11025, 16000, 44100, 48000}) {
    const uint64_t start = kEdge - 1'234'567'891;
    const uint64_t total = static_cast<uint64_t>(rate) * 12;
    const auto reference = counts(start, rate, total, total);
    ASSERT_EQ(reference.size(), 4u);
    EXPECT_EQ(reference.at(kEdge), static_cast<uint64_t>(rate) * 5);
    for (uint64_t size : {1u, 160u, 441u, 48000u}) {
      EXPECT_EQ(counts(start, rate, total, size), reference) << rate << " " << size;
    }
  }
}

TEST(SampleClock, gives_a_sample_on_the_edge_to_the_bucket_that_begins) {
  EXPECT_EQ(clock_at(kEdge).bucket(), kEdge);
  EXPECT_EQ(clock_at(kEdge).frames_left_in_bucket(), 5u * kRate);
  const SampleClock before = clock_at(kEdge - kSecond / kRate);
  EXPECT_EQ(before.bucket(), kEdge - kBucketNs);
  EXPECT_EQ(before.frames_left_in_bucket(), 1u);
  // Nearer to the edge than to the sample before it.
  EXPECT_EQ(clock_at(kEdge - 1).bucket(), kEdge);
}

TEST(SampleClock, reports_a_hole_and_moves_over_it) {
  SampleClock clock = clock_at(kEdge);
  clock.advance(kRate);
  const auto placement = clock.place(kEdge + 3 * kSecond, 160);
  EXPECT_EQ(placement.hole, 2u * kRate);
  EXPECT_EQ(clock.position(), kEdge + 3 * kSecond);
}

TEST(SampleClock, passes_over_what_overlaps) {
  SampleClock clock = clock_at(kEdge);
  clock.advance(kRate);
  const auto placement = clock.place(kEdge + kSecond - 50 * kMs, 1000);
  EXPECT_EQ(placement.overlap, 400u);
  EXPECT_EQ(clock.position(), kEdge + kSecond);
  EXPECT_EQ(clock.place(kEdge + kSecond - 500 * kMs, 160).overlap, 160u);
}

TEST(SampleClock, follows_time_that_begins_anew) {
  SampleClock clock = clock_at(kEdge + 20 * kSecond);
  const auto placement = clock.place(kEdge, 160);
  EXPECT_TRUE(placement.restarted);
  EXPECT_EQ(clock.position(), kEdge);
  EXPECT_EQ(clock.bucket(), kEdge);
}

TEST(SampleClock, follows_a_drifting_sender_without_holes) {
  SampleClock clock = clock_at(kEdge);
  constexpr double kDrift = 1.0002;  // 200 ppm slow: 60 ms in 5 minutes
  double stamp = kEdge;
  for (int i = 0; i < 50 * 300; ++i) {
    const auto placement = clock.place(static_cast<uint64_t>(stamp), 160);
    ASSERT_EQ(placement.hole + placement.overlap, 0u);
    clock.advance(160);
    stamp += 20 * kMs * kDrift;
  }
  EXPECT_NEAR(static_cast<double>(clock.position() - kEdge), stamp - kEdge, 1.0 * kMs);
}

TEST(SampleClock, never_returns_to_a_bucket_that_is_over) {
  SampleClock clock = clock_at(kEdge - kSecond);
  clock.advance(kRate);
  ASSERT_EQ(clock.bucket(), kEdge);
  clock.place(kEdge - 9 * kMs, 160);  // within the tolerance: follows it a little, backwards
  EXPECT_LT(clock.position(), kEdge);
  EXPECT_EQ(clock.bucket(), kEdge);
}

TEST(SampleClock, counts_on_through_buffers_without_timestamps_and_new_rates) {
  SampleClock clock = clock_at(kEdge);
  clock.advance(kRate);
  EXPECT_EQ(clock.place(std::nullopt, 160).hole, 0u);
  clock.set_rate(16000);
  EXPECT_EQ(clock.position(), kEdge + kSecond);
  clock.advance(16000);
  EXPECT_EQ(clock.position(), kEdge + 2 * kSecond);
}

TEST(SampleClock, moves_forward_over_a_gap_only) {
  SampleClock clock = clock_at(kEdge);
  clock.advance_to(kEdge + 7 * kSecond);
  EXPECT_EQ(clock.bucket(), kEdge + kBucketNs);
  clock.advance_to(kEdge);
  EXPECT_EQ(clock.position(), kEdge + 7 * kSecond);
}

}  // namespace
}  // namespace dragoman

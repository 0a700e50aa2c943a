// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/bucket_board.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

#include "plugins/station/sample_clock.h"
#include "plugins/station/tap_meters.h"

namespace {
size_t allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace dragoman {
namespace {

constexpr uint64_t kEdge = 1'700'000'005'000'000'000;

const Aggregate& figures(const Bucket& bucket, const char* key) {
  return bucket.aggregates.at(BucketBoard::index_of(key));
}

TEST(BucketBoard, takes_nothing_that_is_no_number) {
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    for (const char* key : {"jitter_ms", "audio_level_dbfs", "pitch_hz", "packets_received"}) {
      BucketBoard board;
      board.add(BucketBoard::index_of(key), value);
      EXPECT_EQ(board.add(key, value), ReadingResult::kBadValue);
      EXPECT_FALSE(board.snapshot(0)) << key;
    }
  }
}

TEST(BucketBoard, aggregates_by_the_table) {
  BucketBoard board;
  board.place(kEdge);
  EXPECT_EQ(board.add("packets_received", 50), ReadingResult::kTaken);
  EXPECT_EQ(board.add("packets_received", 48), ReadingResult::kTaken);
  EXPECT_EQ(board.add("jitter_ms", 2), ReadingResult::kTaken);
  EXPECT_EQ(board.add("jitter_ms", 4), ReadingResult::kTaken);
  for (const double hertz : {200.0, 210.0, 400.0}) board.add("pitch_hz", hertz);
  for (const double peak : {-3.0, -9.0}) board.add("peak_dbfs", peak);
  EXPECT_EQ(board.add("audio_level_dbfs", -20), ReadingResult::kTaken);
  EXPECT_EQ(board.add("audio_level_dbfs", -100), ReadingResult::kTaken);
  const std::optional<Bucket> bucket = board.snapshot(0);
  ASSERT_TRUE(bucket);
  EXPECT_EQ(bucket->start_utc, kEdge);
  EXPECT_EQ(figures(*bucket, "packets_received").last, 98);
  EXPECT_EQ(figures(*bucket, "packets_received").count, 2u);
  EXPECT_EQ(figures(*bucket, "jitter_ms").avg(), 3);
  const auto average = [&](const char* key) {
    return average_of(*find_parameter(key), figures(*bucket, key));
  };
  EXPECT_NEAR(average("pitch_hz"), 210, 0.3);
  EXPECT_EQ(average("peak_dbfs"), -3);
  EXPECT_EQ(figures(*bucket, "jitter_ms").last, 4);
  EXPECT_NEAR(figures(*bucket, "audio_level_dbfs").avg_level(), -20 - 10 * std::log10(2), 1e-6);
  EXPECT_EQ(figures(*bucket, "packets_lost").count, 0u);
}

TEST(BucketBoard, has_the_loss_of_its_own_packets) {
  BucketBoard board;
  std::vector<bool> wanted(parameters().size());
  wanted[BucketBoard::index_of("packet_loss_pct")] = true;
  board.want(wanted);
  const auto loss = [&](double received, double lost) {
    board.clear();
    board.add("packets_received", received);
    board.add("packets_lost", lost);
    return figures(*board.snapshot(0), "packet_loss_pct");
  };
  EXPECT_EQ(loss(240, 10).last, 4);
  EXPECT_EQ(loss(240, 10).count, 1u);
  EXPECT_EQ(loss(250, 0).last, 0);
  EXPECT_EQ(loss(251, -1).last, 0) << "one of the bucket before came after all";
}

TEST(BucketBoard, refuses_unknown_keys_and_what_is_not_a_number) {
  BucketBoard board;
  EXPECT_EQ(board.add("noise_of_the_sea", 1), ReadingResult::kUnknownKey);
  EXPECT_EQ(board.add("jitter_ms", std::numeric_limits<double>::quiet_NaN()),
            ReadingResult::kBadValue);
  EXPECT_FALSE(board.snapshot(0));
}

TEST(BucketBoard, has_nothing_to_tell_twice_or_without_a_reading) {
  BucketBoard board;
  board.place(kEdge);
  board.measured({}, 5);
  EXPECT_FALSE(board.snapshot(0));
  board.add("jitter_ms", 1);
  EXPECT_TRUE(board.snapshot(0));
  EXPECT_FALSE(board.snapshot(0));
  board.add("jitter_ms", 2);
  EXPECT_EQ(figures(*board.snapshot(0), "jitter_ms").count, 2u);  // it keeps until cleared
  board.clear();
  board.add("jitter_ms", 3);
  EXPECT_EQ(figures(*board.snapshot(0), "jitter_ms").count, 1u);
}

TEST(BucketBoard, keeps_readings_that_come_before_the_stream) {
  BucketBoard board;
  board.add("packets_late", 1);
  board.place(kEdge);
  EXPECT_EQ(board.snapshot(7)->start_utc, kEdge);
  BucketBoard never;
  never.add("packets_late", 1);
  EXPECT_EQ(never.snapshot(7)->start_utc, 7u);
}

TEST(Measuring, allocates_nothing_after_its_first_second_but_for_the_snapshots) {
  BucketBoard board;
  SampleClock clock;
  TapMeters meters(board);
  meters.set_format(8000, 2);
  clock.set_rate(8000);
  std::vector<int16_t> audio(2 * 333);
  for (size_t i = 0; i < audio.size(); ++i) audio[i] = static_cast<int16_t>(i * 7919 % 65536);
  uint64_t at = 0;
  const auto hear = [&](int buffers) {
    for (int i = 0; i < buffers; ++i, at += 333) {
      clock.place(kEdge + frames_to_ns(at, 8000), 333);
      meters.feed(std::span(audio));
      clock.advance(333);
      board.measured({}, 1);
      board.add("packets_received", 1);
    }
    meters.finish();
    meters.end_bucket();
  };
  hear(25);
  EXPECT_TRUE(board.snapshot(0));
  const size_t before = allocations;
  for (int bucket = 0; bucket < 3; ++bucket) {
    board.clear();
    hear(120);
  }
  meters.reset();
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(board.snapshot(0));
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace dragoman

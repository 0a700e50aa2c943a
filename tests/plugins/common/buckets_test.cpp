// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/buckets.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "plugins/common/parameters.h"

namespace dragoman {
namespace {

TEST(BucketStart, is_a_utc_multiple_of_the_length_and_belongs_to_its_bucket) {
  constexpr uint64_t kEdge = 1'700'000'005'000'000'000;
  EXPECT_EQ(bucket_start(kEdge), kEdge);
  EXPECT_EQ(bucket_start(kEdge + kBucketNs - 1), kEdge);
  EXPECT_EQ(bucket_start(kEdge - 1), kEdge - kBucketNs);
  EXPECT_EQ(bucket_start(1'700'000'000'700'000'000, 1'000'000'000), 1'700'000'000'000'000'000u);
}

TEST(Aggregate, keeps_the_figures_of_sampled_readings) {
  Aggregate aggregate;
  for (double value : {-3.0, 5.0, 1.0}) aggregate.add(value);
  EXPECT_EQ(aggregate.count, 3u);
  EXPECT_EQ(aggregate.min, -3);
  EXPECT_EQ(aggregate.max, 5);
  EXPECT_EQ(aggregate.avg(), 1);
  EXPECT_EQ(aggregate.last, 1);
}

TEST(Aggregate, has_the_total_of_counted_readings_in_last) {
  Aggregate aggregate;
  for (double value : {2.0, 0.0, 5.0}) aggregate.count_up(value);
  EXPECT_EQ(aggregate.count, 3u);
  EXPECT_EQ(aggregate.last, 7);
  EXPECT_EQ(aggregate.min, 0);
  EXPECT_EQ(aggregate.max, 5);
  EXPECT_NEAR(aggregate.avg(), 7.0 / 3, 1e-12);
}

TEST(Aggregate, averages_levels_by_their_power) {
  Aggregate aggregate;
  for (double level : {-20.0, -100.0}) aggregate.add_level(level);
  EXPECT_NEAR(aggregate.avg_level(), -20 - 10 * std::log10(2), 1e-6);
  EXPECT_EQ(aggregate.min, -100);
  EXPECT_EQ(aggregate.max, -20);
}

TEST(Aggregate, counts_a_reading_of_a_shorter_stretch_for_less_in_the_mean_only) {
  Aggregate offset, level;
  offset.add(0.5, 160);
  offset.add(-0.5, 40);
  EXPECT_NEAR(offset.avg(), 0.3, 1e-12);
  EXPECT_EQ(offset.count, 2u);
  EXPECT_EQ(offset.min, -0.5);
  level.add_level(-10, 160);
  level.add_level(-100, 40);
  EXPECT_NEAR(level.avg_level(), -10 + 10 * std::log10(0.8), 1e-6);
}

TEST(Parameters, are_unique_and_in_the_catalogues_order) {
  std::set<std::string> keys;
  int number = 0;
  for (const Parameter& parameter : parameters()) {
    EXPECT_GT(parameter.number, number) << parameter.key;
    number = parameter.number;
    EXPECT_TRUE(keys.insert(parameter.key).second) << parameter.key;
    EXPECT_EQ(find_parameter(parameter.key), &parameter);
    EXPECT_STRNE(parameter.unit, "");
    EXPECT_STRNE(parameter.description, "");
  }
  EXPECT_EQ(find_parameter("loudness of the crowd"), nullptr);
}

}  // namespace
}  // namespace dragoman

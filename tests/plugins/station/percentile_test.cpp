// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/percentile.h"

#include <gtest/gtest.h>

namespace dragoman {
namespace {

TEST(Percentile, is_the_reading_of_the_nearest_rank) {
  Percentile readings;
  EXPECT_FALSE(readings.value(0.95));
  readings.add(7);
  EXPECT_EQ(readings.value(0.95), 7);
  readings.clear();
  for (int i = 100; i > 0; --i) readings.add(i);
  EXPECT_EQ(readings.value(0.95), 95);
  EXPECT_EQ(readings.value(0), 1);
  EXPECT_EQ(readings.value(1), 100);
}

TEST(Percentile, stays_near_with_many_readings) {
  Percentile readings;
  for (int i = 0; i < 100'000; ++i) readings.add(i * 7919 % 100'000);
  EXPECT_NEAR(*readings.value(0.95), 95'000, 1'500);
}

}  // namespace
}  // namespace dragoman

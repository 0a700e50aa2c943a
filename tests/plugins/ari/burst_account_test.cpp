// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/burst_account.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace dragoman {
namespace {

/// 'x' missing, all else played.
BurstAccount account_of(const std::string& fates) {
  BurstAccount account;
  for (const char fate : fates) {
    if (fate == 'x') {
      account.missing();
    } else {
      account.played();
    }
  }
  return account;
}

std::string good(size_t packets) { return std::string(packets, '.'); }

TEST(BurstAccount, knows_nothing_before_the_first_packet) {
  const BurstAccount account;
  EXPECT_FALSE(account.burst_density_pct());
  EXPECT_FALSE(account.gap_density_pct());
  EXPECT_EQ(account.tally().loss_pct(), 0);
  EXPECT_EQ(account.tally().burst_ratio(), 1);
}

TEST(BurstAccount, knows_nothing_as_long_as_nothing_was_played) {
  const BurstAccount account = account_of("xxxx");
  EXPECT_FALSE(account.gap_density_pct());
  EXPECT_EQ(account.tally().loss_pct(), 100);
  EXPECT_EQ(account.tally().burst_ratio(), 1);
}

TEST(BurstAccount, a_stream_without_loss_is_one_gap_of_density_zero) {
  const BurstAccount account = account_of(good(1000));
  EXPECT_FALSE(account.burst_density_pct());
  EXPECT_EQ(account.gap_density_pct(), 0);
}

TEST(BurstAccount, a_loss_alone_is_part_of_the_gap) {
  const BurstAccount account = account_of(good(50) + "x" + good(49));
  EXPECT_FALSE(account.burst_density_pct());
  EXPECT_DOUBLE_EQ(*account.gap_density_pct(), 1);
}

TEST(BurstAccount, fifteen_packets_between_two_losses_are_a_burst_and_sixteen_are_not) {
  const BurstAccount burst = account_of(good(50) + "x" + good(15) + "x" + good(50));
  EXPECT_DOUBLE_EQ(*burst.burst_density_pct(), 100 * 2.0 / 17);
  EXPECT_EQ(burst.gap_density_pct(), 0);
  const BurstAccount gap = account_of(good(50) + "x" + good(16) + "x" + good(32));
  EXPECT_FALSE(gap.burst_density_pct());
  EXPECT_DOUBLE_EQ(*gap.gap_density_pct(), 2);
}

TEST(BurstAccount, two_in_a_row_are_a_burst_of_density_one) {
  const BurstAccount account = account_of(good(20) + "xx" + good(20));
  EXPECT_EQ(account.burst_density_pct(), 100);
  EXPECT_EQ(account.gap_density_pct(), 0);
}

TEST(BurstAccount, bursts_and_gaps_are_summed_over_the_stream) {
  // Bursts: xx..x (3 of 5) and x.x (2 of 3). Gaps: 20, then 20 and 1 alone and 30, then 25.
  const BurstAccount account =
      account_of(good(20) + "xx..x" + good(20) + "x" + good(30) + "x.x" + good(25));
  EXPECT_DOUBLE_EQ(*account.burst_density_pct(), 100 * 5.0 / 8);
  EXPECT_DOUBLE_EQ(*account.gap_density_pct(), 100 * 1.0 / 96);
  EXPECT_EQ(account.tally().packets, 104u);
  EXPECT_EQ(account.tally().missing, 6u);
  EXPECT_EQ(account.tally().runs, 5u);
}

TEST(BurstAccount, a_stream_that_begins_and_ends_with_loss_has_gaps_around_it) {
  const BurstAccount account = account_of("x" + good(20) + "x");
  EXPECT_FALSE(account.burst_density_pct());
  EXPECT_DOUBLE_EQ(*account.gap_density_pct(), 100 * 2.0 / 22);
}

TEST(BurstAccount, a_stream_that_is_one_burst_has_no_gap) {
  const BurstAccount account = account_of("x.x.x");
  EXPECT_EQ(account.burst_density_pct(), 60);
  EXPECT_FALSE(account.gap_density_pct());
}

TEST(BurstAccount, many_missing_at_once_are_as_many_one_by_one) {
  BurstAccount account = account_of(good(20));
  account.missing(500);
  account.missing(0);
  account.played();
  const BurstAccount single = account_of(good(20) + std::string(500, 'x') + ".");
  EXPECT_EQ(account.burst_density_pct(), single.burst_density_pct());
  EXPECT_EQ(account.gap_density_pct(), single.gap_density_pct());
  EXPECT_EQ(account.tally().runs, 1u);
  EXPECT_EQ(account.tally().missing, 500u);
}

TEST(LossTally, the_burst_ratio_of_random_loss_is_one) {
  std::mt19937 random(3);
  BurstAccount account;
  for (int i = 0; i < 200'000; ++i) {
    if (random() % 20 == 0) {
      account.missing();
    } else {
      account.played();
    }
  }
  EXPECT_NEAR(account.tally().loss_pct(), 5, 0.2);
  EXPECT_NEAR(account.tally().burst_ratio(), 1, 0.02);
}

TEST(LossTally, the_burst_ratio_is_mean_length_over_that_of_random_loss) {
  std::string fates;
  for (int i = 0; i < 10; ++i) fates += good(95) + "xxxxx";
  const LossTally tally = account_of(fates).tally();
  EXPECT_DOUBLE_EQ(tally.loss_pct(), 5);
  EXPECT_DOUBLE_EQ(tally.burst_ratio(), 5 * 0.95);
}

TEST(LossTally, a_difference_is_what_happened_between) {
  BurstAccount account = account_of(good(100) + "xx" + good(18));
  const LossTally before = account.tally();
  account.missing();
  for (int i = 0; i < 19; ++i) account.played();
  const LossTally between = account.tally() - before;
  EXPECT_EQ(between.packets, 20u);
  EXPECT_DOUBLE_EQ(between.loss_pct(), 5);
  EXPECT_DOUBLE_EQ(between.burst_ratio(), 0.95);
}

}  // namespace
}  // namespace dragoman

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/stream_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace dragoman {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr double kLatencyMs = 40;

/// A sender of 20 ms packets of mu-law, the network, and a jitter buffer that lets go of each
/// packet as it comes.
struct Stream {
  RtpAccount account;
  StreamReport report{PayloadFormat::kUlaw, static_cast<int64_t>(kLatencyMs) * 1'000'000};
  uint16_t sequence = 65'000, outgoing = 100;
  uint32_t ssrc = 1;
  int64_t now_ns = 0;

  RtpAccount::Verdict arrive(uint16_t number) {
    const RtpHeader header{
        .sequence = number, .timestamp = number * 160u, .ssrc = ssrc, .payload_size = 160};
    const RtpAccount::Verdict verdict = account.update(header, now_ns, 8000);
    report.arrived(header, verdict, account, now_ns);
    return verdict;
  }
  void packet(bool in_time = true) {
    arrive(sequence++);
    report.enters_buffer(outgoing);
    report.leaves_buffer(outgoing++);
    report.judged(in_time);
    now_ns += 20'000'000;
  }
  void lose(int count) {
    sequence = static_cast<uint16_t>(sequence + count);
    outgoing = static_cast<uint16_t>(outgoing + count);
    now_ns += count * 20'000'000;
  }
  /// Seconds of packets, of which `lost` says which number are lost; the last second's figures.
  StreamFigures run(
      int seconds, const std::function<bool(int)>& lost = [](int) { return false; }) {
    StreamFigures figures;
    for (int i = 0; i < seconds * 50; ++i) {
      if (lost(i)) {
        lose(1);
      } else {
        packet();
      }
      if (i % 50 == 49) figures = report.end_interval(account, kSecond);
    }
    return figures;
  }
};

/// G.107 by hand for G.711 with concealment (Ie 0, Bpl 25.1) and a delay of 60 ms one way.
double r_by_hand(double loss_pct, double burst_ratio) {
  const double no = -61.1792, ro = 15 - 1.5 * (8 + no), is = 1.4136;
  const double terv = 65 - 40 * std::log10((1 + 6.0) / (1 + 0.4));
  const double echo = (-1.5 * (no - 2) - (80 + 2.5 * (terv - 14))) / 2;
  const double talker = echo + std::sqrt(echo * echo + 100) - 1;
  const double back = (ro - 10.5 * 117 * std::pow(121, -0.25)) / 2;
  const double listener = back + std::sqrt(back * back + 169);
  return ro - is - talker - listener - 95 * loss_pct / (loss_pct / burst_ratio + 25.1);
}

double mos_by_hand(double r) { return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6; }

TEST(StreamReport, rates_a_line_that_is_dead_for_seconds_0_and_not_less) {
  for (const uint64_t missing : {75, 150, 500}) {
    BurstAccount account;
    for (int i = 0; i < 250; ++i) account.played();
    account.missing(missing);
    account.played();
    const double r = rate_stream(account.tally(), PayloadFormat::kUlaw, 60);
    EXPECT_GE(r, 0) << missing;
    EXPECT_LE(r, 40) << missing;
    EXPECT_GE(mos_of(r), 1) << missing;
  }
}

TEST(StreamReport, knows_nothing_of_a_stream_that_has_not_begun) {
  Stream stream;
  for (int i = 0; i < 10; ++i) {
    const StreamFigures figures = stream.report.end_interval(stream.account, kSecond);
    EXPECT_FALSE(figures.jitter_max_ms || figures.interarrival_max_ms || figures.bitrate_kbps ||
                 figures.clock_skew_ppm || figures.burst_density_pct || figures.gap_density_pct ||
                 figures.r_factor || figures.mos);
  }
  EXPECT_EQ(stream.report.waiting_ns(), 0);
}

TEST(StreamReport, of_a_good_stream_says_so_from_its_second_interval_on) {
  Stream stream;
  StreamFigures figures = stream.run(1);
  EXPECT_FALSE(figures.bitrate_kbps || figures.r_factor || figures.gap_density_pct);
  EXPECT_EQ(figures.jitter_max_ms, 0);
  EXPECT_EQ(figures.interarrival_max_ms, 20);
  figures = stream.run(1);
  EXPECT_EQ(figures.bitrate_kbps, 64);
  EXPECT_EQ(figures.gap_density_pct, 0);
  EXPECT_FALSE(figures.burst_density_pct);
  EXPECT_NEAR(*figures.r_factor, r_by_hand(0, 1), 0.01);
  EXPECT_NEAR(*figures.mos, mos_by_hand(r_by_hand(0, 1)), 0.001);
}

TEST(StreamReport, a_second_without_packets_has_a_rate_of_zero_and_nothing_else) {
  Stream stream;
  stream.run(2);
  const StreamFigures figures = stream.report.end_interval(stream.account, kSecond);
  EXPECT_EQ(figures.bitrate_kbps, 0);
  EXPECT_FALSE(figures.jitter_max_ms || figures.interarrival_max_ms || figures.clock_skew_ppm ||
               figures.burst_density_pct || figures.gap_density_pct || figures.r_factor ||
               figures.mos);
}

TEST(StreamReport, the_same_loss_in_bursts_is_worse_than_one_by_one_as_g107_has_it) {
  Stream single, bursty;
  // 4 % of each five seconds: ten alone, or two times five in a row.
  const StreamFigures alone = single.run(12, [](int i) { return i % 25 == 10; });
  const StreamFigures together =
      bursty.run(12, [](int i) { return i % 125 >= 10 && i % 125 < 15; });
  EXPECT_DOUBLE_EQ(single.report.loss().loss_pct(), 4);
  EXPECT_NEAR(*alone.r_factor, r_by_hand(4, 0.96), 0.1);
  EXPECT_NEAR(*together.r_factor, r_by_hand(4, 5 * 0.96), 0.1);
  EXPECT_NEAR(*alone.mos, mos_by_hand(r_by_hand(4, 0.96)), 0.01);
  EXPECT_NEAR(*together.mos, mos_by_hand(r_by_hand(4, 5 * 0.96)), 0.01);
  EXPECT_LT(*together.mos, *alone.mos - 0.05);
}

TEST(StreamReport, random_and_bursty_loss_of_5_percent_are_rated_as_by_hand) {
  std::mt19937 random(11);
  BurstAccount alone, together;
  // Gilbert: bursts of 4 packets on average, 5 % in the mean.
  bool bad = false;
  for (int i = 0; i < 400'000; ++i) {
    const auto chance = [&](double p) { return random() < p * 4294967296.0; };
    chance(0.05) ? alone.missing() : alone.played();
    bad = bad ? !chance(0.25) : chance(0.25 * 0.05 / 0.95);
    bad ? together.missing() : together.played();
  }
  const double r_alone = rate_stream(alone.tally(), PayloadFormat::kUlaw, 60);
  const double r_together = rate_stream(together.tally(), PayloadFormat::kUlaw, 60);
  // By definition 5 % and burst ratios of 1 and 4 × 0.95.
  EXPECT_NEAR(r_alone, r_by_hand(5, 1), 0.4);
  EXPECT_NEAR(r_together, r_by_hand(5, 3.8), 0.4);
  EXPECT_NEAR(mos_of(r_alone), mos_by_hand(r_alone), 0.01);
  EXPECT_GT(mos_of(r_alone) - mos_of(r_together), 0.04);
}

TEST(StreamReport, late_packets_count_as_lost_ones) {
  Stream lost, late;
  lost.run(10, [](int i) { return i % 10 == 3; });
  for (int i = 0; i < 500; ++i) {
    late.packet(i % 10 != 3);
    if (i % 50 == 49) late.report.end_interval(late.account, kSecond);
  }
  EXPECT_EQ(late.report.loss().missing, 50u);
  EXPECT_EQ(lost.report.loss().missing, 50u);
  EXPECT_EQ(*late.report.figures().r_factor, *lost.report.figures().r_factor);
  EXPECT_EQ(late.report.figures().burst_density_pct, lost.report.figures().burst_density_pct);
  EXPECT_EQ(late.account.lost(), 0);
}

TEST(StreamReport, what_the_jitter_buffer_kept_for_good_is_missing) {
  Stream stream;
  stream.packet();
  // The next comes after the one behind it was let go of.
  stream.lose(1);
  stream.packet();
  stream.arrive(65'001);
  stream.report.enters_buffer(101);
  stream.packet();
  EXPECT_EQ(stream.account.lost(), 0);
  EXPECT_EQ(stream.report.loss().packets, 4u);
  EXPECT_EQ(stream.report.loss().missing, 1u);
  EXPECT_EQ(stream.report.waiting_ns(), 0);
}

TEST(StreamReport, what_waits_in_the_jitter_buffer_is_counted) {
  Stream stream;
  stream.packet();
  stream.lose(1);
  for (int i = 0; i < 3; ++i) {
    stream.arrive(stream.sequence++);
    stream.report.enters_buffer(stream.outgoing++);
  }
  EXPECT_EQ(stream.report.waiting_ns(), 60'000'000);
  stream.report.leaves_buffer(static_cast<uint16_t>(stream.outgoing - 3));
  stream.report.judged(true);
  EXPECT_EQ(stream.report.waiting_ns(), 40'000'000);
  stream.report.leaves_buffer(static_cast<uint16_t>(stream.outgoing - 1));
  stream.report.judged(true);
  EXPECT_EQ(stream.report.waiting_ns(), 0);
  EXPECT_EQ(stream.report.loss().missing, 2u);
}

TEST(StreamReport, a_hole_that_the_timeline_closed_is_still_a_loss) {
  Stream stream;
  stream.run(1);
  stream.sequence = static_cast<uint16_t>(stream.sequence + 500);
  stream.packet();
  EXPECT_EQ(stream.report.loss().missing, 500u);
  EXPECT_EQ(stream.report.loss().runs, 1u);
}

TEST(StreamReport, another_sender_is_no_loss) {
  Stream stream;
  stream.run(2);
  stream.ssrc = 2;
  stream.sequence = 7;
  stream.run(2);
  EXPECT_EQ(stream.report.loss().missing, 0u);
  EXPECT_EQ(stream.report.loss().packets, 200u);
}

TEST(StreamReport, the_longest_wait_is_that_of_each_interval) {
  Stream stream;
  stream.run(1);
  stream.now_ns += 130'000'000;
  EXPECT_EQ(stream.run(1).interarrival_max_ms, 150);
  EXPECT_EQ(stream.run(1).interarrival_max_ms, 20);
  EXPECT_EQ(stream.report.longest_wait_ms(), 150);
  stream.now_ns -= 10 * kSecond;
  stream.packet();
  EXPECT_EQ(stream.report.longest_wait_ms(), 150) << "our clock went back";
}

TEST(StreamReport, the_rate_has_duplicates_in_it) {
  Stream stream;
  stream.run(1);
  for (int i = 0; i < 50; ++i) {
    stream.packet();
    EXPECT_EQ(stream.arrive(static_cast<uint16_t>(stream.sequence - 1)),
              RtpAccount::Verdict::kDuplicate);
  }
  EXPECT_EQ(stream.report.end_interval(stream.account, kSecond).bitrate_kbps, 128);
  EXPECT_EQ(stream.report.loss().packets, 100u);
}

TEST(StreamReport, survives_numbers_without_sense) {
  std::mt19937 random(2);
  Stream stream;
  for (int i = 0; i < 100'000; ++i) {
    const auto number = static_cast<uint16_t>(random());
    switch (random() % 4) {
      case 0:
        stream.arrive(number);
        break;
      case 1:
        stream.report.enters_buffer(number);
        break;
      case 2:
        stream.report.leaves_buffer(number);
        break;
      default:
        stream.report.judged(number % 2);
    }
    stream.now_ns += static_cast<int64_t>(random() % 50'000'000) - 5'000'000;
    ASSERT_GE(stream.report.waiting_ns(), 0);
    if (i % 100 != 0) continue;
    const StreamFigures figures = stream.report.end_interval(stream.account, kSecond);
    ASSERT_TRUE(std::isfinite(figures.r_factor.value_or(0)));
    ASSERT_GE(figures.mos.value_or(1), 1);
    ASSERT_LE(figures.mos.value_or(1), 4.5);
    ASSERT_LE(figures.burst_density_pct.value_or(0), 100);
  }
}

}  // namespace
}  // namespace dragoman

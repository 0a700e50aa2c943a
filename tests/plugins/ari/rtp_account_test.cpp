// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/rtp_account.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace dragoman {
namespace {

using Verdict = RtpAccount::Verdict;
constexpr uint32_t kRate = 8000;
constexpr int64_t kMs = 1'000'000;

struct Sender {
  RtpAccount account;
  uint32_t ssrc = 0x1234;

  /// Packet `index` of a sender of one packet each 20 ms whose first has sequence number `first`,
  /// arriving `delay_ms` after it was sent.
  Verdict send(int index, uint16_t first = 1000, double delay_ms = 0) {
    RtpHeader header{.sequence = static_cast<uint16_t>(first + index),
                     .timestamp = 160u * static_cast<uint32_t>(index),
                     .ssrc = ssrc,
                     .payload_size = 160};
    const auto arrival = static_cast<int64_t>((index * 20 + delay_ms) * kMs);
    return account.update(header, arrival, kRate);
  }
};

TEST(RtpAccount, a_steady_sender_loses_nothing_and_has_no_jitter) {
  Sender sender;
  EXPECT_EQ(sender.send(0), Verdict::kFirst);
  EXPECT_FALSE(sender.account.jitter_ms());
  for (int i = 1; i < 1000; ++i) ASSERT_EQ(sender.send(i), Verdict::kInOrder);
  EXPECT_EQ(sender.account.received(), 1000u);
  EXPECT_EQ(sender.account.expected(), 1000u);
  EXPECT_EQ(sender.account.lost(), 0);
  EXPECT_DOUBLE_EQ(*sender.account.jitter_ms(), 0);
}

TEST(RtpAccount, sequence_numbers_wrap_without_loss) {
  Sender sender;
  for (int i = 0; i < 140'000; ++i) sender.send(i, 65500);
  EXPECT_EQ(sender.account.received(), 140'000u);
  EXPECT_EQ(sender.account.lost(), 0);
  EXPECT_EQ(sender.account.pages(), 1u);
}

TEST(RtpAccount, a_loss_across_the_wrap_is_counted) {
  Sender sender;
  for (int i = 0; i < 100; ++i) {
    if (i < 30 || i >= 40) sender.send(i, 65500);
  }
  EXPECT_EQ(sender.account.expected(), 100u);
  EXPECT_EQ(sender.account.lost(), 10);
  EXPECT_DOUBLE_EQ(sender.account.loss_pct(), 10);
}

TEST(RtpAccount, a_late_packet_takes_its_loss_back_and_counts_as_reordered) {
  Sender sender;
  for (int i : {0, 1, 3}) sender.send(i);
  EXPECT_EQ(sender.account.lost(), 1);
  EXPECT_EQ(sender.send(2), Verdict::kReordered);
  EXPECT_EQ(sender.account.lost(), 0);
  EXPECT_EQ(sender.account.reordered(), 1u);
  EXPECT_EQ(sender.account.duplicated(), 0u);
}

TEST(RtpAccount, a_packet_from_before_the_first_one_was_expected_too) {
  Sender sender;
  sender.send(1, 0);
  EXPECT_EQ(sender.send(0, 0), Verdict::kReordered);
  EXPECT_EQ(sender.account.expected(), 2u);
  EXPECT_EQ(sender.account.lost(), 0);
}

TEST(RtpAccount, duplicates_are_told_from_reordered_packets) {
  Sender sender;
  for (int i : {0, 1, 1, 3, 2, 2, 4, 0}) sender.send(i);
  EXPECT_EQ(sender.account.duplicated(), 3u);
  EXPECT_EQ(sender.account.reordered(), 1u);
  // RFC 3550 A.3: the number received includes duplicates, so the loss may be negative.
  EXPECT_EQ(sender.account.received(), 8u);
  EXPECT_EQ(sender.account.lost(), -3);
}

TEST(RtpAccount, one_stray_sequence_number_changes_nothing) {
  Sender sender;
  for (int i = 0; i < 10; ++i) sender.send(i);
  EXPECT_EQ(sender.send(20'000), Verdict::kSuspect);
  EXPECT_EQ(sender.send(10), Verdict::kInOrder);
  EXPECT_EQ(sender.account.received(), 11u);
  EXPECT_EQ(sender.account.lost(), 0);
}

TEST(RtpAccount, two_in_a_row_from_far_open_a_new_page_and_both_count) {
  Sender sender;
  for (int i = 0; i < 10; ++i) sender.send(i);
  EXPECT_EQ(sender.send(20'000), Verdict::kSuspect);
  EXPECT_EQ(sender.send(20'001), Verdict::kRestarted);
  EXPECT_EQ(sender.send(20'002), Verdict::kInOrder);
  EXPECT_EQ(sender.account.received(), 13u);
  EXPECT_EQ(sender.account.lost(), 0);
  EXPECT_EQ(sender.account.pages(), 2u);
}

TEST(RtpAccount, a_small_jump_ahead_is_a_loss) {
  Sender sender;
  sender.send(0);
  EXPECT_EQ(sender.send(501), Verdict::kInOrder);
  EXPECT_EQ(sender.account.lost(), 500);
}

TEST(RtpAccount, a_new_ssrc_opens_a_new_page_and_keeps_the_totals) {
  Sender sender;
  for (int i : {0, 1, 3}) sender.send(i);
  sender.ssrc = 0x9999;
  EXPECT_EQ(sender.send(0, 40'000), Verdict::kFirst);
  sender.send(1, 40'000);
  EXPECT_EQ(sender.account.received(), 5u);
  EXPECT_EQ(sender.account.expected(), 6u);
  EXPECT_EQ(sender.account.lost(), 1);
  EXPECT_EQ(sender.account.ssrc(), 0x9999u);
}

TEST(RtpAccount, jitter_is_a_sixteenth_of_each_difference) {
  // RFC 3550 section 6.4.1: J(i) = J(i-1) + (|D(i-1,i)| - J(i-1)) / 16.
  Sender sender;
  sender.send(0);
  sender.send(1, 1000, 16);
  EXPECT_DOUBLE_EQ(*sender.account.jitter_ms(), 1);
  sender.send(2, 1000, 16);
  EXPECT_DOUBLE_EQ(*sender.account.jitter_ms(), 15.0 / 16);
  sender.send(3, 1000, 0);
  EXPECT_DOUBLE_EQ(*sender.account.jitter_ms(), 15.0 / 16 + (16 - 15.0 / 16) / 16);
  EXPECT_DOUBLE_EQ(sender.account.jitter_max_ms(), *sender.account.jitter_ms());
}

TEST(RtpAccount, jitter_survives_a_wrapping_timestamp) {
  RtpAccount account;
  for (uint32_t i = 0; i < 10; ++i) {
    account.update({.sequence = static_cast<uint16_t>(i), .timestamp = 0xffffff00u + i * 160},
                   i * 20 * kMs, kRate);
  }
  EXPECT_DOUBLE_EQ(*account.jitter_ms(), 0);
}

TEST(RtpAccount, any_order_of_a_hundred_packets_gives_the_same_totals) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<int> order(90);
    for (int i = 0; i < 90; ++i) order[static_cast<size_t>(i)] = i < 45 ? i : i + 5;
    std::shuffle(order.begin(), order.end(), random);
    Sender sender;
    for (int index : order) sender.send(index, 65490);
    const int64_t lowest = *std::ranges::min_element(order),
                  highest = *std::ranges::max_element(order);
    EXPECT_EQ(sender.account.expected(), static_cast<uint64_t>(highest - lowest + 1));
    EXPECT_EQ(sender.account.lost(), highest - lowest + 1 - 90);
    EXPECT_EQ(sender.account.duplicated(), 0u);
  }
}

TEST(ParseRtp, reads_what_write_rtp_header_wrote) {
  std::vector<uint8_t> packet(kRtpHeaderSize + 4);
  write_rtp_header({.marker = true,
                    .payload_type = 118,
                    .sequence = 0xfedc,
                    .timestamp = 0x89abcdef,
                    .ssrc = 0x01020304},
                   std::span<uint8_t, kRtpHeaderSize>(packet.data(), kRtpHeaderSize));
  const auto header = parse_rtp(packet);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->marker);
  EXPECT_EQ(header->payload_type, 118);
  EXPECT_EQ(header->sequence, 0xfedc);
  EXPECT_EQ(header->timestamp, 0x89abcdefu);
  EXPECT_EQ(header->ssrc, 0x01020304u);
  EXPECT_EQ(header->payload_offset, 12u);
  EXPECT_EQ(header->payload_size, 4u);
}

TEST(ParseRtp, refuses_what_reaches_beyond_the_end) {
  std::vector<uint8_t> packet(20, 0);
  packet[0] = 0x80;
  EXPECT_TRUE(parse_rtp(packet));
  EXPECT_FALSE(parse_rtp(std::span(packet).first(11)));
  EXPECT_FALSE(parse_rtp(std::span(packet).first(12))) << "no payload";
  EXPECT_FALSE(parse_rtp({}));
  packet[0] = 0x40;
  EXPECT_FALSE(parse_rtp(packet)) << "version 1";
  packet[0] = 0x82;
  EXPECT_FALSE(parse_rtp(packet)) << "two CSRCs and nothing after";
  packet[0] = 0x81;
  EXPECT_TRUE(parse_rtp(packet)) << "one CSRC and four bytes after";
  packet[0] = 0x90;
  packet[15] = 1;
  EXPECT_FALSE(parse_rtp(packet)) << "extension to the end";
  packet[15] = 0;
  EXPECT_TRUE(parse_rtp(packet)) << "empty extension";
  packet[0] = 0xa0;
  packet[19] = 8;
  EXPECT_FALSE(parse_rtp(packet)) << "only padding";
  packet[19] = 21;
  EXPECT_FALSE(parse_rtp(packet)) << "padding beyond the start";
  packet[19] = 0;
  EXPECT_FALSE(parse_rtp(packet)) << "padding of nothing";
  packet[19] = 7;
  EXPECT_EQ(parse_rtp(packet)->payload_size, 1u);
}

}  // namespace
}  // namespace dragoman

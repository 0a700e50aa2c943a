// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/captionsrc_schedule.h"

#include <gtest/gtest.h>

#include "plugins/speech/ttssrc_pace.h"

namespace dragoman {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(CaptionSchedule, shows_a_text_as_long_as_it_takes_to_read) {
  CaptionSchedule schedule({});
  schedule.add("Thirty characters are in here.");
  const auto caption = schedule.take(5 * kSecond);
  ASSERT_TRUE(caption);
  EXPECT_EQ(caption->time, 5 * kSecond);
  EXPECT_EQ(caption->duration, 2 * kSecond);
  EXPECT_EQ(schedule.position(), 7 * kSecond);
}

TEST(CaptionSchedule, keeps_the_shortest_and_the_longest_duration) {
  CaptionSchedule schedule({1, kSecond * 3 / 2, 4 * kSecond});
  schedule.add("x");
  EXPECT_EQ(schedule.take(0)->duration, kSecond * 3 / 2);
  schedule.add("one two three four five");
  EXPECT_EQ(schedule.take(10 * kSecond)->duration, 4 * kSecond);
}

TEST(CaptionSchedule, the_next_waits_until_the_one_before_has_gone) {
  CaptionSchedule schedule({});
  schedule.add("Thirty characters are in here.");
  ASSERT_TRUE(schedule.take(0));
  schedule.add("Next.");
  EXPECT_FALSE(schedule.take(kSecond));
  EXPECT_FALSE(schedule.empty());
  const auto next = schedule.take(2 * kSecond);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->time, 2 * kSecond);
}

TEST(CaptionSchedule, captions_go_sooner_while_others_wait) {
  CaptionSchedule schedule({});
  schedule.add("Thirty characters are in here.");
  schedule.add("Next.");
  EXPECT_EQ(schedule.take(0)->duration, kSecond * 5 / 4);
}

TEST(CaptionSchedule, times_of_speech_are_kept_unless_they_would_overlap) {
  CaptionSchedule schedule({});
  schedule.add("One.", 3 * kSecond);
  schedule.add("Two.", 3 * kSecond + 1);
  schedule.add("Three.", 10 * kSecond);
  EXPECT_EQ(schedule.take(0)->time, 3 * kSecond);
  EXPECT_EQ(schedule.take(0)->time, 4 * kSecond);
  EXPECT_EQ(schedule.take(0)->time, 10 * kSecond);
}

TEST(CaptionSchedule, long_texts_are_cut_between_words_and_lose_none) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "palabra" + std::to_string(i) + "ñ ";
  std::string joined;
  const auto pieces = CaptionSchedule::split(text);
  for (const std::string& piece : pieces) {
    EXPECT_LE(SpeechPace::characters(piece), CaptionSchedule::kMaxCharacters);
    joined += piece + " ";
  }
  EXPECT_GT(pieces.size(), 5u);
  EXPECT_EQ(joined, text);
}

TEST(CaptionSchedule, a_word_without_end_is_cut_between_characters) {
  std::string word;
  for (int i = 0; i < 100; ++i) word += "ñ";
  const auto pieces = CaptionSchedule::split(word);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(SpeechPace::characters(pieces[0]), CaptionSchedule::kMaxCharacters);
  EXPECT_EQ(pieces[0] + pieces[1], word);
}

TEST(CaptionSchedule, line_ends_become_spaces_and_blank_text_is_nothing) {
  EXPECT_EQ(CaptionSchedule::split("a\n\nb\t c "), (std::vector<std::string>{"a b c"}));
  EXPECT_TRUE(CaptionSchedule::split(" \n ").empty());
}

}  // namespace
}  // namespace dragoman

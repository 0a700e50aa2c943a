// SPDX-License-Identifier: LGPL-2.1-or-later
// Words, guards, and what is committed of successive decodes.
#include <gtest/gtest.h>

#include "plugins/speech/providers/stt/committer.h"
#include "plugins/speech/providers/stt/guards.h"
#include "plugins/speech/providers/stt/words.h"

namespace dragoman::stt {
namespace {

size_t aligned(const char* committed, const char* decoded) {
  return aligned_length(split_words(committed), split_words(decoded));
}

TEST(Words, are_compared_without_case_and_punctuation) {
  EXPECT_EQ(split_words("¿Qué TAL?"), split_words("qué, tal"));
  EXPECT_EQ(split_words("Ñandú")[0].key, "ñandú");
}

TEST(Words, a_mark_that_stands_alone_belongs_to_a_word) {
  const auto words = split_words("- well , you know");
  ASSERT_EQ(words.size(), 3u);
  EXPECT_EQ(words[0].text, "- well ,");
}

TEST(Words, a_clause_ends_at_a_mark_but_not_after_an_abbreviation) {
  EXPECT_TRUE(ends_clause(split_words("sure,")[0]));
  EXPECT_TRUE(ends_clause(split_words("\"sure?\"")[0]));
  EXPECT_FALSE(ends_clause(split_words("Mr.")[0]));
  EXPECT_FALSE(ends_clause(split_words("sure")[0]));
}

TEST(Words, alignment_finds_the_committed_words_in_a_decode_that_spells_them_otherwise) {
  EXPECT_EQ(aligned("press 2 now", "press two now please"), 3u);
  EXPECT_EQ(aligned("set up a call", "setup a call with him"), 3u);
  EXPECT_EQ(aligned("the call", "well the call ended"), 3u);
  EXPECT_EQ(aligned("", "anything"), 0u);
}

TEST(Committer, commits_nothing_on_one_decode) {
  Committer committer;
  EXPECT_FALSE(committer.decoded("I would like to book a table, for two", {}));
}

TEST(Committer, commits_the_clause_that_two_decodes_agree_on) {
  Committer committer;
  committer.decoded("I would like a table, for", {});
  const auto commit = committer.decoded("I would like a table, for two people.", {});
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->text, "I would like a table,");
  EXPECT_GT(commit->fraction, 0.4);
  EXPECT_LT(commit->fraction, 0.8);
  EXPECT_EQ(committer.rest("I would like a table, for two people."), "for two people.");
}

TEST(Committer, the_mark_at_the_end_of_a_decode_is_no_clause_until_the_next_goes_on_after_it) {
  Committer committer;
  committer.decoded("I would like a table.", {});
  EXPECT_FALSE(committer.decoded("I would like a table.", {}));
  EXPECT_FALSE(committer.decoded("I would like a table for", {}));
}

TEST(Committer, does_not_commit_where_the_decodes_differ) {
  Committer committer;
  committer.decoded("I would like a cable, for two", {});
  EXPECT_FALSE(committer.decoded("I would like a table, for two people", {}));
}

TEST(Committer, does_not_commit_a_clause_of_two_words) {
  Committer committer;
  committer.decoded("Good morning, I would", {});
  EXPECT_FALSE(committer.decoded("Good morning, I would like", {}));
}

TEST(Committer, commits_at_a_pause_that_the_next_decode_confirms_without_punctuation) {
  Committer committer;
  committer.decoded("I would like to book.", 40000);
  const auto commit = committer.decoded("I would like to book a table", {});
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->text, "I would like to book");
  EXPECT_EQ(commit->pause, 40000u);
}

TEST(Committer, what_was_committed_is_neither_repeated_nor_changed_by_later_decodes) {
  Committer committer;
  committer.decoded("Press 2 for sales, press", {});
  ASSERT_TRUE(committer.decoded("Press 2 for sales, press three", {}));
  committer.decoded("Press two for sails, press 3 for help, or", {});
  const auto second = committer.decoded("Press two for sails, press 3 for help, or wait", {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, "press 3 for help,");
  EXPECT_EQ(committer.rest("Press to for sales. Press 3 for help, or wait here."), "or wait here.");
}

TEST(Committer, every_word_of_the_last_decode_comes_out_once) {
  const char* const last =
      "one two three, four five six. seven eight nine ten, eleven twelve thirteen";
  Committer committer;
  std::string all;
  const std::string text = last;
  for (size_t end = text.find(' '); end != text.npos; end = text.find(' ', end + 1)) {
    if (const auto commit = committer.decoded(text.substr(0, end), {})) all += commit->text + " ";
  }
  EXPECT_FALSE(all.empty());
  EXPECT_EQ(all + committer.rest(last), last);
}

TEST(Committer, goes_on_in_the_next_segment_after_what_was_committed_beyond_the_cut) {
  Committer first;
  first.decoded("one two three four five, six", {});
  ASSERT_TRUE(first.decoded("one two three four five, six seven", {}));
  const Committer second = first.next("one two three");
  EXPECT_EQ(second.rest("four five, six seven eight"), "six seven eight");
  EXPECT_EQ(first.next("one two three four five six").rest("seven eight"), "seven eight");
}

TEST(Guards, a_loop_is_reduced_to_one_round) {
  const char* const looped =
      "I will call you I will call you I will call you I will call you tomorrow";
  EXPECT_TRUE(has_loop(looped));
  EXPECT_EQ(without_loops(looped), "I will call you tomorrow");
  EXPECT_TRUE(has_loop("go go go go go go go go"));
}

TEST(Guards, what_people_do_repeat_is_no_loop) {
  EXPECT_FALSE(has_loop("no, no, no, no"));
  EXPECT_FALSE(has_loop("five five five, zero zero zero zero"));
  EXPECT_FALSE(has_loop("bye bye, bye bye"));
}

TEST(Guards, a_phrase_said_twice_goes_only_if_there_was_no_time_for_it) {
  const char* const twice = "Press 3 for advanced options. Press 3 for advanced options.";
  EXPECT_EQ(without_echo(twice, 2.6), "Press 3 for advanced options.");
  EXPECT_EQ(without_echo(twice, 5.0), twice);
}

TEST(Guards, speech_faster_than_anybody_speaks_was_made_up) {
  EXPECT_EQ(plausible("Thank you very much for watching this video.", {0.6, -20}), "");
  EXPECT_EQ(plausible("Thank you very much for watching.", {2.0, -20}),
            "Thank you very much for watching.");
}

TEST(Guards, short_clips_say_little_and_silence_says_nothing) {
  EXPECT_EQ(plausible("Yes.", {0.3, -20}), "Yes.");
  EXPECT_EQ(plausible("I see it all", {0.4, -20}), "");
  EXPECT_EQ(plausible("Yes.", {0.05, -20}), "");
  EXPECT_EQ(plausible("Yes, of course.", {2, -80}), "");
}

}  // namespace
}  // namespace dragoman::stt

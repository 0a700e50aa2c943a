// SPDX-License-Identifier: LGPL-2.1-or-later
// What surrounds a translation: mode files, the stream format, sentences, polishing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "plugins/speech/providers/translate/mode_file.h"
#include "plugins/speech/providers/translate/phrase.h"
#include "plugins/speech/providers/translate/stream_format.h"

namespace dragoman {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ModeFile, becomes_stages_in_null_flush_mode) {
  auto stages = parse_mode(
      "lt-proc '/usr/share/a b/x.bin' | apertium-tagger -g $2 '/p.prob'|cg-proc -z -w 'c'| lt-proc "
      "$1 '/g.bin'\n");
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_THAT(stages[0], ElementsAre("lt-proc", "-z", "/usr/share/a b/x.bin"));
  EXPECT_THAT(stages[1], ElementsAre("apertium-tagger", "-z", "-g", "/p.prob"));
  EXPECT_THAT(stages[2], ElementsAre("cg-proc", "-z", "-w", "c"));
  EXPECT_THAT(stages[3], ElementsAre("lt-proc", "-z", "-n", "/g.bin"));
}

TEST(ModeFile, without_stages_is_none) {
  EXPECT_THAT(parse_mode(""), IsEmpty());
  EXPECT_THAT(parse_mode("  \n"), IsEmpty());
  EXPECT_THAT(parse_mode("lt-proc a | | lt-proc b"), IsEmpty());
  EXPECT_THAT(parse_mode("$1 | lt-proc b").front(), ElementsAre("-n", "-z"));
}

class ModesFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dragoman-modes-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void add(const std::string& name) { std::ofstream(folder_ / name) << "lt-proc x"; }
  std::string found(std::string_view from, std::string_view to) {
    auto path = find_mode(folder_, from, to);
    return path ? path->filename().string() : "";
  }
  std::filesystem::path folder_;
};

TEST_F(ModesFolder, is_searched_under_both_kinds_of_code) {
  add("eng-cat.mode");
  add("es-pt.mode");
  add("fra-cat.mode");
  EXPECT_EQ(found("en", "ca"), "eng-cat.mode");
  EXPECT_EQ(found("es", "pt"), "es-pt.mode");
  EXPECT_EQ(found("fr-CA", "ca"), "fra-cat.mode");
  EXPECT_EQ(found("fra", "cat"), "fra-cat.mode");
  EXPECT_EQ(found("ca", "en"), "");
}

TEST_F(ModesFolder, prefers_the_targets_region) {
  add("spa-eng.mode");
  add("spa-eng_US.mode");
  EXPECT_EQ(found("es-MX", "en-US"), "spa-eng_US.mode");
  EXPECT_EQ(found("es", "en"), "spa-eng.mode");
  EXPECT_EQ(found("es", "en-GB"), "spa-eng.mode");
}

TEST(ModeFile, that_is_missing_is_cured_by_a_package) {
  EXPECT_EQ(missing_pair_cure("es", "en"), "apt-get install apertium-eng-spa");
  EXPECT_EQ(missing_pair_cure("it", "es"), "apt-get install apertium-spa-ita");
  EXPECT_EQ(missing_pair_cure("gl", "en"), "apt-get install apertium-en-gl");
  EXPECT_EQ(missing_pair_cure("eu", "en"), "apt-get install apertium-eu-en");
  EXPECT_THAT(missing_pair_cure("ja", "en"), HasSubstr("no Apertium package"));
}

TEST(StreamFormat, escapes_what_means_something_to_apertium) {
  EXPECT_EQ(to_apertium("a[b]{c}^d$/e\\f@g<h>"),
            std::string("a\\[b\\]\\{c\\}\\^d\\$\\/e\\\\f\\@g\\<h\\>.[]\0", 34));
  EXPECT_EQ(to_apertium(std::string_view("a\0b\nc\x01"
                                         "d",
                                         7)),
            std::string("a b c d.[]\0", 11));
}

TEST(StreamFormat, answers_are_read_back_as_plain_text) {
  EXPECT_EQ(from_apertium("un\\/*b \\[x\\]  Hola..[]"), "un/*b [x] Hola.");
  EXPECT_EQ(from_apertium(".[]"), "");
  EXPECT_TRUE(is_whole("Hola.[]"));
  EXPECT_FALSE(is_whole("Hol"));
  EXPECT_EQ(from_apertium("Hola.[]\n"), "Hola");
  EXPECT_EQ(from_apertium("\\"), "\\");
}

TEST(Polish, removes_marks_of_unknown_words_only) {
  EXPECT_EQ(polish("The frobnicator.", "El *frobnicator.", "es"), "El frobnicator.");
  EXPECT_EQ(polish("He saw it", "Lo #ver @foo", "es"), "Lo ver foo");
  EXPECT_EQ(polish("Press * now", "Prensa * ahora", "es"), "Prensa * ahora");
  EXPECT_EQ(polish("Call #5", "Llamada #5", "es"), "Llamada #5");
}

TEST(Polish, gives_the_targets_punctuation) {
  EXPECT_EQ(polish("Hi. Can I help you?", "Hola. Puede  te ayudas ?", "es"),
            "Hola. ¿Puede te ayudas?");
  EXPECT_EQ(polish("Stop!", "Para!", "es"), "¡Para!");
  EXPECT_EQ(polish("¿Cómo está?", "¿How is it?", "en"), "How is it?");
}

TEST(Polish, keeps_the_letter_case_of_the_start) {
  EXPECT_EQ(polish("the house", "La casa", "es"), "la casa");
  EXPECT_EQ(polish("The house", "la casa", "es"), "La casa");
  EXPECT_EQ(polish("El árbol", "élan", "en"), "Élan");
  EXPECT_EQ(polish("yo quiero", "I want", "en"), "I want");
}

std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> out;
  std::string joined;
  for (const auto& sentence : split_sentences(text)) {
    out.push_back(sentence.text);
    joined += sentence.text + sentence.glue;
  }
  EXPECT_EQ(joined, text);
  return out;
}

TEST(Sentences, end_at_stops) {
  EXPECT_THAT(sentences("Hello. How are you? Fine! Well… and so on"),
              ElementsAre("Hello.", "How are you?", "Fine!", "Well…", "and so on"));
  EXPECT_THAT(sentences("No. Yes."), ElementsAre("No.", "Yes."));
  EXPECT_THAT(sentences("¿Qué? ¡No!"), ElementsAre("¿Qué?", "¡No!"));
  EXPECT_THAT(sentences("What?! Really..."), ElementsAre("What?!", "Really..."));
  EXPECT_THAT(sentences(""), IsEmpty());
}

TEST(Sentences, do_not_end_in_numbers_and_abbreviations) {
  EXPECT_THAT(sentences("It costs 3.50 today. Dr. Smith left at 5 p.m. on Monday."),
              ElementsAre("It costs 3.50 today.", "Dr. Smith left at 5 p.m. on Monday."));
  EXPECT_THAT(sentences("J. R. Ewing. La Sra. López"),
              ElementsAre("J. R. Ewing.", "La Sra. López"));
  EXPECT_THAT(sentences("Come at 5 p.m. We wait."), ElementsAre("Come at 5 p.m.", "We wait."));
  EXPECT_THAT(sentences("So do I. Thank you."), ElementsAre("So do I.", "Thank you."));
  EXPECT_THAT(sentences("Room No. 5 is free."), ElementsAre("Room No. 5 is free."));
}

}  // namespace
}  // namespace dragoman

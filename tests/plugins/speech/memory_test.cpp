// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <tuple>

namespace dragoman {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Status = TranslateResult::Status;

std::string unit(const std::string& en, const std::string& es) {
  return "<tu>\n<tuv xml:lang=\"en\"><seg>" + en + "</seg></tuv>\n<tuv xml:lang=\"es-MX\"><seg>" +
         es + "</seg></tuv>\n</tu>\n";
}

std::string tmx(const std::string& units) {
  return "<?xml version=\"1.0\"?>\n<!DOCTYPE tmx SYSTEM \"tmx14.dtd\">\n<tmx version=\"1.4\">\n"
         "<header srclang=\"en\"/>\n<body>\n" +
         units + "</body>\n</tmx>\n";
}

MemoryIndex index_of(const std::string& units) {
  auto file = parse_tmx(tmx(units), "memory.tmx");
  EXPECT_EQ(file.error, "");
  MemoryIndex index;
  index.add(file);
  return index;
}

std::string found(const MemoryIndex& index, std::string_view phrase,
                  double threshold = MemoryProvider::kDefaultThreshold) {
  return index.find(phrase, "en", "es", threshold).value_or("");
}

TEST(Tmx, keeps_text_and_leaves_inline_codes_out) {
  auto file =
      parse_tmx(tmx(unit("Press <bpt i=\"1\">&lt;b&gt;</bpt><hi>1</hi><ept i=\"1\"/>\n  now "
                         "&amp; here",
                         "Presione <ph>x</ph>1")),
                "m.tmx");
  ASSERT_THAT(file.units, SizeIs(1)) << file.error;
  EXPECT_EQ(file.units[0].variants[0].text, "Press 1 now & here");
  EXPECT_EQ(file.units[0].variants[1].text, "Presione 1");
  EXPECT_EQ(file.units[0].variants[1].language, "es-MX");
  EXPECT_EQ(file.units[0].source_language, "en");
  EXPECT_EQ(file.units[0].line, 6);
}

TEST(Tmx, may_be_utf16) {
  auto file = parse_tmx(std::string("\xff\xfe", 2), "m.tmx");
  EXPECT_THAT(file.error, HasSubstr("m.tmx:1"));
}

struct Malformed {
  const char* name;
  std::string text;
  const char* line;
  const char* what;
};

class MalformedTmx : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedTmx, is_refused_with_line_and_cure) {
  auto file = parse_tmx(GetParam().text, "m.tmx");
  EXPECT_THAT(file.units, IsEmpty());
  EXPECT_THAT(file.error, HasSubstr(std::string("m.tmx:") + GetParam().line));
  EXPECT_THAT(file.error, HasSubstr(GetParam().what));
}

INSTANTIATE_TEST_SUITE_P(
    All, MalformedTmx,
    ::testing::Values(
        Malformed{"empty", "", "1", "correct the XML"},
        Malformed{"not_xml", "hello", "1", "correct the XML"},
        Malformed{"cut_short", tmx(unit("a", "b")).substr(0, 150), "8", "correct the XML"},
        Malformed{"unclosed", tmx("<tu><tuv xml:lang=\"en\"><seg>a</tuv></tu>"), "6", "seg"},
        Malformed{"other_root", "<html/>", "1", "<html>"},
        Malformed{"version_2", "<tmx version=\"2.0\"><body/></tmx>", "1",
                  "save the file as TMX 1.4"},
        Malformed{"no_units", tmx(""), "", "no translation units"},
        Malformed{"no_language", tmx("<tu><tuv><seg>a</seg></tuv></tu>"), "6", "xml:lang"},
        Malformed{"one_language", tmx("<tu><tuv xml:lang=\"en\"><seg>a</seg></tuv></tu>"), "6",
                  "fewer than two"},
        Malformed{"empty_segment", tmx(unit("a", "")), "8", "without text"},
        Malformed{"tu_in_tu", tmx("<tu><tu/></tu>"), "6", "within"},
        Malformed{"stray_tuv", tmx("<tuv xml:lang=\"en\"><seg>a</seg></tuv>"), "6", "outside"},
        Malformed{"bad_utf8", tmx(unit("a\xff", "b")), "7", "correct the XML"},
        Malformed{"entity_bomb",
                  "<!DOCTYPE tmx [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">"
                  "<!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><tmx version=\"1.4\"><body><tu><tuv "
                  "xml:lang=\"en\"><seg>&c;&undefined;</seg></tuv></tu></body></tmx>",
                  "1", "correct the XML"}),
    [](const auto& info) { return info.param.name; });

TEST(Memory, does_not_mind_case_punctuation_blanks_and_contractions) {
  auto index = index_of(unit("Don't hang up, please.", "No cuelgue, por favor."));
  EXPECT_EQ(found(index, "Don't hang up, please."), "No cuelgue, por favor.");
  EXPECT_EQ(found(index, "do not hang up please"), "no cuelgue, por favor");
  EXPECT_EQ(found(index, "  DO NOT  hang-up, please! "), "No cuelgue, por favor.");
  EXPECT_EQ(found(index, "Don\u2019t hang up please."), "No cuelgue, por favor.");
}

TEST(Memory, knows_number_words_as_numbers) {
  auto index = index_of(unit("Press 1 for English.", "Presione 1 para inglés."));
  EXPECT_EQ(found(index, "Press one for English."), "Presione 1 para inglés.");
  EXPECT_EQ(found(index, "Press twenty-one for English."), "Presione 21 para inglés.");
}

TEST(Memory, fuzzy_match_allows_articles_politeness_and_plurals) {
  auto index = index_of(unit("Enter the new number of the customer.", "Ingrese el nuevo número."));
  EXPECT_NE(found(index, "Please enter the new number of the customer."), "");
  EXPECT_NE(found(index, "Enter a new number of the customers."), "");
  EXPECT_EQ(found(index, "Please enter the new number of the customer.", 1.0), "");
  EXPECT_EQ(found(index, "Um, please just enter a very new numbers of customers."), "");
}

TEST(Memory, compounds_may_be_written_apart) {
  auto index = index_of(unit("Welcome to voicemail.", "Bienvenido al buzón de voz."));
  EXPECT_NE(found(index, "Welcome to voice mail."), "");
}

TEST(Memory, never_changes_a_word_that_carries_meaning) {
  auto index =
      index_of(unit("The conference is now locked for everyone on the line today.", "X.") +
               unit("Please tell Martha that I will call her back tomorrow morning.", "Y.") +
               unit("I will call you.", "Z."));
  for (double threshold : {0.85, 0.5, 0.0}) {
    EXPECT_EQ(
        found(index, "The conference is now unlocked for everyone on the line today.", threshold),
        "");
    EXPECT_EQ(
        found(index, "The conference is not locked for everyone on the line today.", threshold),
        "");
    EXPECT_EQ(
        found(index, "Please tell Marta that I will call her back tomorrow morning.", threshold),
        "");
    EXPECT_EQ(
        found(index, "Please tell Martha that I will call him back tomorrow morning.", threshold),
        "");
    EXPECT_EQ(
        found(index, "Please tell Martha that I won't call her back tomorrow morning.", threshold),
        "");
    EXPECT_EQ(found(index, "You will call I.", threshold), "");
    EXPECT_EQ(found(index, "I called you.", threshold), "");
  }
}

TEST(Memory, never_changes_a_negation) {
  auto index = index_of(unit("You can leave the room.", "Puede salir.") +
                        unit("There is nothing to pay.", "No hay nada que pagar.") +
                        unit("I never said that.", "Nunca dije eso."));
  for (double threshold : {0.85, 0.0}) {
    EXPECT_EQ(found(index, "You can't leave the room.", threshold), "");
    EXPECT_EQ(found(index, "You cannot leave the room.", threshold), "");
    EXPECT_EQ(found(index, "There is something to pay.", threshold), "");
    EXPECT_EQ(found(index, "I said that.", threshold), "");
    EXPECT_EQ(found(index, "There is no thing to pay.", threshold), "");
  }
}

TEST(Memory, carries_numbers_over_or_does_not_match) {
  auto index =
      index_of(unit("Press 7 to delete this message.", "Presione 7 para borrar.") +
               unit("You have 2 messages and 2 calls.", "Tiene 2 mensajes y 2 llamadas.") +
               unit("You have two friends.", "Tiene dos amigos.") +
               unit("Room 4 costs 80 dollars.", "El cuarto 4 cuesta 80 dólares.") +
               unit("It opens at 9.", "Abre a las nueve.") + unit("Half of ten.", "La mitad."));
  EXPECT_EQ(found(index, "Press 3 to delete this message."), "Presione 3 para borrar.");
  EXPECT_EQ(found(index, "Room 12 costs 1500 dollars."), "El cuarto 12 cuesta 1500 dólares.");
  EXPECT_EQ(found(index, "Room 80 costs 4 dollars."), "El cuarto 80 cuesta 4 dólares.");
  EXPECT_EQ(found(index, "It opens at eight."), "Abre a las ocho.");
  EXPECT_EQ(found(index, "You have three friends."), "Tiene tres amigos.");
  for (double threshold : {0.85, 0.0}) {
    EXPECT_EQ(found(index, "Press 3 4 to delete this message.", threshold), "");
    EXPECT_EQ(found(index, "Press to delete this message.", threshold), "");
    EXPECT_EQ(found(index, "You have 3 messages and 2 calls.", threshold), "");
    EXPECT_EQ(found(index, "You have one friend.", threshold), "");
    EXPECT_EQ(found(index, "You have 1 friends.", threshold), "");
    EXPECT_EQ(found(index, "Half of twelve.", threshold), "");
    EXPECT_EQ(found(index, "Press 3.5 to delete this message.", threshold), "");
  }
}

TEST(Memory, tells_questions_from_statements) {
  auto index = index_of(unit("Is he ready?", "¿Está listo?") + unit("You are ready.", "Usted ya."));
  EXPECT_EQ(index.find("¿Está listo?", "es", "en", 0.85).value_or(""), "Is he ready?");
  EXPECT_EQ(index.find("Está listo.", "es", "en", 0.85).value_or(""), "");
  EXPECT_EQ(index.find("está listo", "es", "en", 0.85).value_or(""), "is he ready?");
  EXPECT_EQ(found(index, "You are ready?"), "¿Usted ya?");
}

TEST(Memory, spanish_accents_at_the_end_tell_who_acts) {
  auto index = index_of(unit("I speak with the doctor.", "Hablo con el médico."));
  EXPECT_EQ(index.find("Hablo con el medico.", "es", "en", 0.85).value_or(""),
            "I speak with the doctor.");
  EXPECT_EQ(index.find("Habló con el médico.", "es", "en", 0.0).value_or(""), "");
}

TEST(Memory, prefers_a_files_own_direction_and_the_first_unit) {
  auto index = index_of(unit("Goodbye.", "Adiós.") + unit("Goodbye.", "Hasta luego.") +
                        unit("Bye.", "Adiós."));
  EXPECT_EQ(found(index, "Goodbye."), "Adiós.");
  EXPECT_EQ(index.find("Hasta luego.", "es", "en", 1).value_or(""), "Goodbye.");
  EXPECT_EQ(index.find("Adiós.", "es", "en", 1).value_or(""), "Goodbye.");
}

class MemoryFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dragoman-memory-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static TranslateResult ask(MemoryProvider& memory, const std::string& text) {
    return memory.translate({text, "en", "es", {}});
  }
  std::filesystem::path folder_;
};

TEST_F(MemoryFiles, one_that_is_bad_is_named_and_the_others_go_on) {
  write("a.tmx", "<tmx version=\"1.4\"><body>");
  write("b.tmx", tmx(unit("Hello.", "Hola.")));
  MemoryProvider memory(folder_);
  auto result = ask(memory, "Hello.");
  EXPECT_EQ(result.status, Status::translated);
  EXPECT_EQ(result.text, "Hola.");
  EXPECT_THAT(result.error, HasSubstr("a.tmx:1: "));
  EXPECT_THAT(memory.prepare("en", "es"), HasSubstr("a.tmx:1: "));
}

TEST_F(MemoryFiles, none_at_all_is_a_failure_with_a_cure) {
  MemoryProvider empty(folder_);
  EXPECT_EQ(ask(empty, "Hello.").status, Status::failed);
  EXPECT_THAT(ask(empty, "Hello.").error, HasSubstr("DRAGOMAN_DATA"));
  MemoryProvider missing(folder_ / "none.tmx");
  EXPECT_EQ(ask(missing, "Hello.").status, Status::failed);
  EXPECT_THAT(ask(missing, "Hello.").error, HasSubstr("none.tmx: No such file"));
}

TEST_F(MemoryFiles, are_read_again_when_changed) {
  auto path = write("a.tmx", tmx(unit("Hello.", "Hola.")));
  MemoryProvider memory(path);
  EXPECT_EQ(ask(memory, "Good day.").status, Status::no_match);
  write("a.tmx", tmx(unit("Hello.", "Hola.") + unit("Good day.", "Buen día.")));
  EXPECT_EQ(ask(memory, "Good day.").text, "Buen día.");
}

TEST_F(MemoryFiles, sentences_that_are_known_are_translated_and_the_rest_left) {
  MemoryProvider memory(write("a.tmx", tmx(unit("Hello.", "Hola.") + unit("Goodbye.", "Adiós."))));
  EXPECT_EQ(ask(memory, "Hello. Goodbye!").text, "Hola. Adiós.");
  auto mixed = ask(memory, "Hello. The sky is blue. It is late. Goodbye.");
  ASSERT_EQ(mixed.status, Status::partly);
  ASSERT_THAT(mixed.pieces, SizeIs(3));
  EXPECT_EQ(mixed.pieces[0].text, "Hola.");
  EXPECT_EQ(mixed.pieces[1].source, "The sky is blue. It is late.");
  EXPECT_EQ(mixed.pieces[1].text, std::nullopt);
  EXPECT_EQ(mixed.pieces[2].text, "Adiós.");
  std::string whole;
  for (const auto& piece : mixed.pieces) whole += piece.source + piece.glue;
  EXPECT_EQ(whole, "Hello. The sky is blue. It is late. Goodbye.");
}

TEST_F(MemoryFiles, phrases_set_off_by_commas_are_translated_and_the_rest_left) {
  MemoryProvider memory(
      write("a.tmx", tmx(unit("I'm sorry.", "Lo siento.") + unit("Thank you.", "Gracias."))));
  auto mixed = ask(memory, "I'm sorry, it is late, really, thank you.");
  ASSERT_THAT(mixed.pieces, SizeIs(3));
  EXPECT_EQ(mixed.pieces[0].text, "Lo siento");
  EXPECT_EQ(mixed.pieces[0].glue, ", ");
  EXPECT_EQ(mixed.pieces[1].source, "it is late, really");
  EXPECT_EQ(mixed.pieces[2].text, "gracias.");
  EXPECT_EQ(ask(memory, "I'm sorry. it is 1,5 late").pieces[1].source, "it is 1,5 late");
}

TEST_F(MemoryFiles, detachable_phrases_need_no_comma) {
  auto please = unit("Please.", "Por favor.");
  please.insert(5, "<prop type=\"x-detachable\">yes</prop>");
  MemoryProvider memory(write("a.tmx", tmx(please + unit("Hello.", "Hola."))));
  auto mixed = ask(memory, "Please close the door.");
  ASSERT_THAT(mixed.pieces, SizeIs(2));
  EXPECT_EQ(mixed.pieces[0].text, "Por favor");
  EXPECT_EQ(mixed.pieces[0].glue, ", ");
  EXPECT_EQ(mixed.pieces[1].source, "close the door.");
  EXPECT_EQ(ask(memory, "Please the hello, close the door.").pieces[1].text, std::nullopt);
  EXPECT_EQ(ask(memory, "Hello close the door.").status, Status::no_match);
  EXPECT_EQ(ask(memory, "Pleased to hear it.").status, Status::no_match);
}

TEST(MemoryOption, sets_the_threshold_or_is_refused) {
  EXPECT_NE(make_memory_provider("0.9"), nullptr);
  EXPECT_NE(make_memory_provider(""), nullptr);
  EXPECT_EQ(make_memory_provider("high"), nullptr);
  EXPECT_EQ(make_memory_provider("1.5"), nullptr);
}

class BundledMemory : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(BundledMemory, has_300_units_and_each_is_found_again) {
  auto [from, to] = GetParam();
  auto file = read_tmx(memories_dir() / (std::string(from) + "-" + to + ".tmx"));
  ASSERT_EQ(file.error, "");
  EXPECT_GE(file.units.size(), 300u);
  MemoryProvider memory(memories_dir());
  std::set<std::string> sources;
  for (const auto& unit : file.units) {
    ASSERT_THAT(unit.variants, SizeIs(2));
    EXPECT_TRUE(unit.source_language.starts_with(from));
    const auto &source = unit.variants[0], &target = unit.variants[1];
    EXPECT_TRUE(sources.insert(source.text).second) << source.text << " is there twice";
    auto result = memory.translate({source.text, from, to, {}});
    EXPECT_EQ(result.status, Status::translated) << source.text;
    EXPECT_EQ(result.text, target.text) << source.text;
    EXPECT_EQ(result.error, "");
  }
}

INSTANTIATE_TEST_SUITE_P(Both, BundledMemory,
                         ::testing::Values(std::tuple("en", "es"), std::tuple("es", "en")),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param);
                         });

}  // namespace
}  // namespace dragoman

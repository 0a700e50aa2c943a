// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/pipeline_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dragoman {
namespace {

using testing::HasSubstr;

constexpr char kGood[] = R"(# A comment
[pipeline]
description = One tone

[parameters]
count  = int 5         buffers
level  = number 0.5    factor
name   = string        who
quiet  = bool no       or not
speaks = language en
out    = path "a b"    where to
gain   = decibel -6    how loud

[knobs]
tone.volume = tone.volume

[launch]
audiotestsrc name=tone num-buffers=${count} volume=${level} !
  # within the body, too
  taginject tags=${name} ! filesink location=${out}/x.wav
)";

/// The problems that reading `text` gives, as one text.
std::string problems_of(const std::string& text) {
  Problems problems;
  const auto file = PipelineFile::parse(text, "x.pipeline", problems);
  EXPECT_EQ(file.has_value(), problems.empty());
  return text_of(problems);
}

std::string fill_problems(const ParameterValues& values) {
  Problems problems;
  const auto file = PipelineFile::parse(kGood, "x.pipeline", problems);
  EXPECT_TRUE(file) << text_of(problems);
  EXPECT_FALSE(file->fill(values, problems));
  return text_of(problems);
}

const std::string kBody = "[launch]\nfakesrc ! fakesink\n";

TEST(PipelineFileTest, ReadsAllSections) {
  Problems problems;
  const auto file = PipelineFile::parse(kGood, "x.pipeline", problems);
  ASSERT_TRUE(file) << text_of(problems);
  EXPECT_EQ(file->description(), "One tone");
  ASSERT_EQ(file->parameters().size(), 7u);
  EXPECT_EQ(file->parameter("count")->fallback, "5");
  EXPECT_EQ(file->parameter("count")->description, "buffers");
  EXPECT_FALSE(file->parameter("name")->fallback);
  EXPECT_EQ(file->parameter("name")->description, "who");
  EXPECT_EQ(file->parameter("out")->fallback, "a b");
  EXPECT_EQ(file->parameter("speaks")->line, 10);
  ASSERT_EQ(file->knobs().size(), 1u);
  EXPECT_EQ(file->knob("tone.volume")->element, "tone");
  EXPECT_EQ(file->launch_line(), 18);
}

TEST(PipelineFileTest, PutsValuesInAndKeepsTheLines) {
  Problems problems;
  const auto file = PipelineFile::parse(kGood, "x.pipeline", problems);
  const auto body = file->fill({{"name", "Ann & Bo"}, {"count", "7"}}, problems);
  ASSERT_TRUE(body) << text_of(problems);
  EXPECT_EQ(*body,
            "audiotestsrc name=tone num-buffers=7 volume=0.5 !\n\n"
            "taginject tags=Ann\\ \\&\\ Bo ! filesink location=a\\ b/x.wav\n\n");
}

TEST(PipelineFileTest, GainsInDecibelsStandAsFactors) {
  Problems problems;
  const auto file = PipelineFile::parse(
      "[parameters]\ngain = decibel -6\n[launch]\nvolume volume=${gain} ! fakesink", "x", problems);
  ASSERT_TRUE(file) << text_of(problems);
  EXPECT_THAT(*file->fill({}, problems), HasSubstr("volume=0.501187 "));
  EXPECT_THAT(*file->fill({{"gain", "20"}}, problems), HasSubstr("volume=10 "));
  EXPECT_FALSE(file->fill({{"gain", "21"}}, problems));
}

TEST(PipelineFileTest, AMissingValueNamesTheParameterAndHowToGiveIt) {
  EXPECT_THAT(fill_problems({}),
              HasSubstr("x.pipeline:8: no value for parameter 'name'; give name=…"));
}

TEST(PipelineFileTest, AnUnknownParameterGivenGetsTheNearestName) {
  EXPECT_THAT(fill_problems({{"name", "a"}, {"coutn", "1"}}),
              HasSubstr("x.pipeline:5: unknown parameter 'coutn'; did you mean 'count'?"));
}

TEST(PipelineFileTest, AnUnknownParameterInTheBodyHasItsLine) {
  EXPECT_THAT(
      problems_of("[parameters]\nport = int 1\n[launch]\nfakesrc !\n fakesink name=${prot}"),
      HasSubstr("x.pipeline:5: unknown parameter '${prot}'; did you mean 'port'?"));
}

struct BadValue {
  const char *name, *value, *message;
};
class BadValueTest : public testing::TestWithParam<BadValue> {};

TEST_P(BadValueTest, ABadValueIsRefusedByItsType) {
  const auto [name, value, message] = GetParam();
  ParameterValues values{{"name", "a"}};
  values[name] = value;
  EXPECT_THAT(fill_problems(values), HasSubstr(message));
}

INSTANTIATE_TEST_SUITE_P(
    Types, BadValueTest,
    testing::Values(BadValue{"count", "five", "parameter 'count': 'five' is not a whole number"},
                    BadValue{"count", "5.5", "whole number"}, BadValue{"count", "", "whole number"},
                    BadValue{"count", "99999999999999999999", "whole number"},
                    BadValue{"level", "1,5", "not a number"}, BadValue{"level", "nan", "number"},
                    BadValue{"level", "0x10", "number"},
                    BadValue{"quiet", "maybe", "true or false"},
                    BadValue{"speaks", "english!", "language tag"},
                    BadValue{"gain", "60", "gain in dB"},
                    BadValue{"name", "two\nlines", "control character"},
                    BadValue{"name", "\xff", "not UTF-8"}));

TEST(PipelineFileTest, AFileThatIsNotThereIsRefusedBeforeItIsNeeded) {
  Problems problems;
  const auto file = PipelineFile::parse(
      "[parameters]\nfile = file\n[launch]\nfilesrc location=${file}", "x", problems);
  EXPECT_FALSE(file->fill({{"file", "/nowhere/at all"}}, problems));
  EXPECT_THAT(text_of(problems), HasSubstr("'/nowhere/at all' cannot be read: No such file"));
  problems.clear();
  EXPECT_FALSE(file->fill({{"file", "/tmp"}}, problems));
  EXPECT_THAT(text_of(problems), HasSubstr("is a folder"));
}

struct BadFile {
  const char *text, *message;
};
class BadFileTest : public testing::TestWithParam<BadFile> {};

TEST_P(BadFileTest, IsRefusedWithLineAndCure) {
  EXPECT_THAT(problems_of(GetParam().text), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadFileTest,
    testing::Values(
        BadFile{"[parametres]\na = int 1\n",
                ":1: unknown section [parametres]; did you mean 'parameters'?"},
        BadFile{"port = 1\n", ":1: 'port = 1' is in no section; begin with [pipeline]"},
        BadFile{"[launch]\nfakesrc ! fakesink\n[knobs]\n", ":3: section [knobs] after [launch]"},
        BadFile{"[pipeline]\n[pipeline]\n[launch]\nfakesrc",
                ":2: section [pipeline] a second time"},
        BadFile{"[pipeline]\nname = x\n[launch]\nfakesrc", ":2: unknown key 'name'"},
        BadFile{"[parameters]\na = float 1\n[launch]\nfakesrc", ":2: unknown type 'float'"},
        BadFile{"[parameters]\na = int x\n[launch]\nfakesrc", ":2: the default of 'a': 'x' is not"},
        BadFile{"[parameters]\na = string x y\n[launch]\nfakesrc", ":2: a default with spaces"},
        BadFile{"[parameters]\na = string \"x\n[launch]\nfakesrc",
                ":2: the default of 'a' has no closing"},
        BadFile{"[parameters]\na = int 1\na = int 2\n[launch]\nfakesrc",
                ":3: parameter 'a' a second time"},
        BadFile{"[parameters]\n1a = int 1\n[launch]\nfakesrc",
                ":2: '1a' is not a parameter's name"},
        BadFile{"[knobs]\nvolume = tone\n[launch]\nfakesrc", ":2: 'volume = tone' is not a knob"},
        BadFile{"[launch]\n# nothing\n", "nothing to launch"},
        BadFile{"[pipeline]\ndescription = x\n", "nothing to launch; add a section [launch]"},
        BadFile{"", "nothing to launch"},
        BadFile{"[parameters]\na = string x\n[launch]\nfakesrc name=\"${a}\"",
                ":4: ${a} within quotes"},
        BadFile{"[launch]\nfakesrc name=${a\n", ":2: '${' without a name"}));

TEST(PipelineFileTest, AValueThatEndsInABackslashIsRefusedAtTheEndOfALongerWord) {
  Problems problems;
  const auto file = PipelineFile::parse(
      "[parameters]\na = string x\n[launch]\nfakesrc name=a${a} ! fakesink", "x", problems);
  EXPECT_FALSE(file->fill({{"a", "b\\"}}, problems));
  EXPECT_THAT(text_of(problems), HasSubstr("x:4: the value of 'a' ends in"));
}

TEST(PipelineFileTest, AFileThatIsNoTextIsRefused) {
  Problems problems;
  EXPECT_FALSE(PipelineFile::read("/bin/true", problems));
  EXPECT_FALSE(PipelineFile::read("/nowhere", problems));
  EXPECT_THAT(text_of(problems), HasSubstr("not a pipeline file"));
  EXPECT_THAT(text_of(problems), HasSubstr("No such file"));
}

}  // namespace
}  // namespace dragoman

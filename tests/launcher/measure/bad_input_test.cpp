// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that cannot be measured: what is wrong and the cure, status 1; wrong calls, status 2.
#include <glib/gstdio.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/launcher/measure/measure_fixture.h"

namespace dragoman::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BadInputTest : public MeasureTest {
 protected:
  void expect_failure(const std::string& arguments, const std::string& reason) {
    const CommandResult result = measure(arguments);
    EXPECT_EQ(result.status, 1) << arguments;
    EXPECT_THAT(result.err, HasSubstr(reason)) << arguments;
    EXPECT_THAT(result.out, IsEmpty()) << arguments;
  }
  void expect_usage_error(const std::string& arguments, const std::string& reason) {
    const CommandResult result = measure(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_THAT(result.err, HasSubstr(reason)) << arguments;
  }
};

/// A WAV header of 44 bytes, as sox writes it, and `bytes` of what follows.
std::string wav(const std::string& encoding, size_t bytes) {
  auto whole =
      output_of("sox -r 8000 -n -c 1 " + encoding + " -t wav - synth 1 sine 400 2>/dev/null")
          .value_or("");
  return whole.substr(0, bytes);
}

TEST_F(BadInputTest, AMissingFileIsNamed) {
  expect_failure(folder_ / "nosuch.wav", "nosuch.wav' cannot be read: No such file or directory");
}

TEST_F(BadInputTest, AFolderIsNoRecording) {
  expect_failure(folder_.path().string(), "is a folder: name a file in it");
}

TEST_F(BadInputTest, APipeIsNoRecording) {
  const std::string pipe = folder_ / "pipe.wav";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_failure(pipe, "is no file but a device or a pipe");
}

TEST_F(BadInputTest, AnEmptyFileIsNoRecording) {
  expect_failure(write("empty.wav", ""), "is empty (0 bytes)");
}

TEST_F(BadInputTest, TextAndNoiseAreNotAudio) {
  expect_failure(write("text.wav", "This is a letter and no sound.\n"), "is not audio");
  std::string noise;
  for (unsigned i = 0; i < 3000; ++i) noise += static_cast<char>((i * 2654435761u) >> 13);
  expect_failure(write("noise.wav", noise), "is not audio");
}

TEST_F(BadInputTest, AHeaderThatBreaksOffIsNotAudio) {
  expect_failure(write("header.wav", wav("-b 16", 30)), "is not audio that can be decoded");
}

TEST_F(BadInputTest, AHeaderWithoutSamplesHasNoAudio) {
  expect_failure(write("silent.wav", wav("-b 16", 44)), "has no audio in it");
  expect_failure(write("mulaw.wav", wav("-e mu-law", 58)), "has no audio in it");
}

TEST_F(BadInputTest, TooManyChannelsNameTheCommandThatTakesTwo) {
  const std::string file = sox("-r 8000 -n -c 4 -b 16", "four.wav", "synth 1 sine 400");
  expect_failure(file, "has 4 channels");
  expect_failure(file, "two.wav remix 1 2");
}

TEST_F(BadInputTest, ARateThatNoTapTakesNamesTheCommandThatChangesIt) {
  expect_failure(sox("-r 96000 -n -b 16", "fast.wav", "synth 0.2 sine 400"),
                 "other.wav rate 48000");
  expect_failure(sox("-r 4000 -n -b 16", "slow.wav", "synth 0.2 sine 400"), "other.wav rate 8000");
}

TEST_F(BadInputTest, TwoRatesNameBothAndTheCommandThatMakesThemOne) {
  const std::string pre = sox("-r 16000 -n -b 16", "pre.wav", "synth 1 sine 400");
  const std::string post = sox("-r 8000 -n -b 16", "post.wav", "synth 1 sine 400");
  expect_failure(pre + " " + post, "pre.wav' has 16000 Hz and '");
  expect_failure(pre + " " + post, "post.wav' 8000 Hz");
  expect_failure(post + " " + pre, "sox '" + pre + "' same-rate.wav rate 8000");
}

TEST_F(BadInputTest, AStationThatIsNoNameIsRefused) {
  expect_failure("-s ../x '" + kEnglishPrompt + "'", "Property station is \"../x\"");
}

TEST_F(BadInputTest, AStationThatMeasuresNothingOfARecordingIsNamed) {
  ASSERT_EQ(g_mkdir((folder_ / "stations").c_str(), 0700), 0);
  write("stations/network.conf", "[station]\nparameters = mos; jitter_ms\n");
  const char* data = g_getenv("DRAGOMAN_DATA");
  const std::string before = data ? data : "";
  g_setenv("DRAGOMAN_DATA", folder_.path().string().c_str(), TRUE);
  expect_failure(write("tone.wav", wav("-b 16", 100000)) + " --station network",
                 "'network' measures nothing of a recording");
  g_setenv("DRAGOMAN_DATA", before.c_str(), TRUE);
}

TEST_F(BadInputTest, AnIntervalThatGoesWithNoPictureIsRefused) {
  expect_failure(write("tone.wav", wav("-b 16", 100000)) + " --interval 86399.9 --plot " +
                     (folder_ / "plot.png"),
                 "the interval does not go with");
}

TEST_F(BadInputTest, ARecordingThatBreaksOffIsMeasuredAsFarAsItGoes) {
  const CommandResult result = measure("'" + write("short.wav", wav("-b 16", 8044)) + "'");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("short.wav: 0.50 s, 8000 Hz"));
}

TEST_F(BadInputTest, FiguresThatCannotBeWrittenAreAFailure) {
  const CommandResult result = measure("'" + kEnglishPrompt + "' >/dev/full");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write the figures: No space left on device"));
}

TEST_F(BadInputTest, WrongCallsHaveStatusTwo) {
  expect_usage_error("", "name a recording");
  expect_usage_error("a b c", "name one recording, or two");
  expect_usage_error("--format xml a", "--format 'xml': it is table, json or csv");
  expect_usage_error("--nosuch a", "--nosuch");
  for (const char* interval : {"0", "0.05", "-1", "nan", "inf", "1e9", "five", "0.25", "5s"}) {
    expect_usage_error(std::string("--interval=") + interval + " a", "give seconds, from 0.1");
  }
}

}  // namespace
}  // namespace dragoman::testing

// SPDX-License-Identifier: LGPL-2.1-or-later
// Figures of one recording and of two, held against sox and ffmpeg.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/launcher/measure/measure_fixture.h"

namespace dragoman::testing {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

size_t fields_of(const std::string& line) {
  return 1 + static_cast<size_t>(std::count(line.begin(), line.end(), ','));
}

/// "Overall" figures that ffmpeg's astats prints, by label.
std::map<std::string, double> astats(const std::string& file) {
  const auto output = output_of("ffmpeg -hide_banner -i '" + file + "' -af astats -f null - 2>&1");
  std::map<std::string, double> stats;
  for (const std::string& line : lines_of(output.value_or(""))) {
    const size_t label = line.find("] "), colon = line.rfind(": ");
    if (label == std::string::npos || colon == std::string::npos || colon < label) continue;
    stats[line.substr(label + 2, colon - label - 2)] = std::atof(line.c_str() + colon + 2);
  }
  return stats;
}

TEST_F(MeasureTest, FiguresOfAPromptAreThoseOfSoxAndFfmpeg) {
  const CommandResult result = measure("--format json '" + kEnglishPrompt + "'");
  ASSERT_EQ(result.status, 0) << result.err;
  const JsonMeasurement json(result.out);
  const auto sox = sox_stats(kEnglishPrompt);
  ASSERT_TRUE(sox);
  auto ffmpeg = astats(kEnglishPrompt);
  const JsonFigures level = json.figures("audio_level_dbfs"), peak = json.figures("peak_dbfs"),
                    offset = json.figures("dc_offset");
  EXPECT_NEAR(level.figure, sox->at("RMS lev dB"), 0.01);
  EXPECT_NEAR(level.figure, ffmpeg["RMS level dB"], 0.001);
  EXPECT_NEAR(peak.max, sox->at("Pk lev dB"), 0.01);
  EXPECT_NEAR(peak.max, ffmpeg["Peak level dB"], 0.001);
  EXPECT_NEAR(peak.max - level.figure, ffmpeg["Peak level dB"] - ffmpeg["RMS level dB"], 0.01);
  EXPECT_NEAR(offset.figure, ffmpeg["DC offset"], 1e-5);
  EXPECT_EQ(json.bucket_count(), 1u);
  EXPECT_NEAR(json_object_get_double_member(json.root(), "seconds"), sox->at("Length s"), 0.001);
  EXPECT_EQ(level.count, std::lround(std::ceil(sox->at("Length s") * 50)));
  EXPECT_EQ(level.state, "normal");
}

TEST_F(MeasureTest, CompressedFloatAndMuLawCopiesMeasureTheSame) {
  const double level = JsonMeasurement(measure("-f json '" + kEnglishPrompt + "'").out)
                           .figures("audio_level_dbfs")
                           .figure;
  const std::string source = "'" + kEnglishPrompt + "'";
  for (const std::string& copy :
       {sox(source, "copy.flac", ""), sox(source + " -b 24", "24.wav", ""),
        sox(source + " -e float -b 32", "float.wav", ""),
        sox(source + " -e mu-law", "mulaw.wav", "")}) {
    const JsonMeasurement json(measure("-f json '" + copy + "'").out);
    EXPECT_NEAR(json.figures("audio_level_dbfs").figure, level, 0.01) << copy;
  }
}

TEST_F(MeasureTest, EachBucketOfAnIntervalIsTheFigureOfThatStretchAlone) {
  const std::string input = "'" + kEnglishPrompt + "'";
  const JsonMeasurement json(measure("-f json --interval 2 " + input).out);
  ASSERT_EQ(json.bucket_count(), 9u);
  for (unsigned i : {0u, 3u, 8u}) {
    EXPECT_DOUBLE_EQ(json_object_get_double_member(json.bucket(i), "start_s"), 2 * i);
    const std::string part =
        sox(input, "part.wav", "trim " + std::to_string(2 * i) + " " + (i < 8 ? "2" : ""));
    EXPECT_NEAR(json.figures("audio_level_dbfs", "PRE", i).figure,
                sox_stats(part)->at("RMS lev dB"), 0.01);
  }
}

TEST_F(MeasureTest, AGainOfSixDecibelsShowsAsTheDifferenceOfTheLevels) {
  const std::string pre = sox("'" + kEnglishPrompt + "'", "pre.wav", "gain -10");
  const std::string post = sox("'" + kEnglishPrompt + "'", "post.wav", "gain -4");
  const CommandResult result = measure("-f json '" + pre + "' '" + post + "'");
  ASSERT_EQ(result.status, 0) << result.err;
  const JsonMeasurement json(result.out);
  EXPECT_NEAR(json.difference("audio_level_dbfs"), 6, 0.01);
  EXPECT_NEAR(json.figures("peak_dbfs", "POST").max - json.figures("peak_dbfs").max, 6, 0.01);
  EXPECT_EQ(
      json.figures("audio_level_dbfs").figure,
      JsonMeasurement(measure("-f json '" + pre + "'").out).figures("audio_level_dbfs").figure)
      << "a file measures the same alone and in a pair";
}

TEST_F(MeasureTest, TheDelayBetweenTheRecordingsIsFoundInTheirContent) {
  const std::string pre = sox("'" + kEnglishPrompt + "'", "pre.wav", "rate 48000");
  const std::string post = sox("'" + pre + "' -c 2 -e float", "post.wav", "gain -6 pad 0.123");
  const JsonMeasurement behind(measure("-f json '" + pre + "' '" + post + "'").out);
  EXPECT_NEAR(json_object_get_double_member(behind.root(), "delay_ms"), 123, 0.1);
  const JsonMeasurement ahead(measure("-f json '" + post + "' '" + pre + "'").out);
  EXPECT_NEAR(json_object_get_double_member(ahead.root(), "delay_ms"), -123, 0.1);
  EXPECT_THAT(measure("'" + pre + "' '" + post + "'").out, HasSubstr("123.0 ms behind PRE\n"));
}

TEST_F(MeasureTest, OfRecordingsThatHaveNothingInCommonThereIsNoDelay) {
  const std::string pre = sox("'" + kEnglishPrompt + "'", "pre.wav", "");
  const std::string post = sox("'" + kSpanishPrompt + "'", "post.wav", "");
  const JsonMeasurement json(measure("-f json '" + pre + "' '" + post + "'").out);
  EXPECT_FALSE(json_object_has_member(json.root(), "delay_ms"));
  EXPECT_THAT(measure("'" + pre + "' '" + post + "'").out, HasSubstr("delay to PRE not found\n"));
}

TEST_F(MeasureTest, RecordingsOfDifferentLengthAreMeasuredOverTheCommonOneAndThatIsSaid) {
  const std::string pre = sox("'" + kEnglishPrompt + "'", "pre.wav", "");
  const std::string post = sox("'" + kEnglishPrompt + "'", "post.wav", "trim 0 3.5");
  const CommandResult result = measure("-f json '" + pre + "' '" + post + "'");
  ASSERT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("is 12.87 s longer than the other: measured are the first "
                                    "3.50 s of both"));
  const JsonMeasurement json(result.out);
  EXPECT_DOUBLE_EQ(json_object_get_double_member(json.root(), "seconds"), 3.5);
  EXPECT_NEAR(json.difference("audio_level_dbfs"), 0, 1e-9);
}

TEST_F(MeasureTest, TheTableHasGroupsNumbersUnitsAndWordsForWhatIsOutsideItsLimits) {
  const std::string loud = sox("-r 8000 -n -b 16", "loud.wav", "synth 2 square 200");
  const CommandResult result = measure("'" + loud + "'");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("loud.wav: 2.00 s, 8000 Hz, mono, 16 bit\n"));
  EXPECT_THAT(result.out, HasSubstr("\nlevel\n  1  audio_level_dbfs "));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("audio_level_dbfs +-?0.00 .* dBFS +critical\n"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex(" 12  clipping_ratio +1.0000 .* critical\n"));
}

TEST_F(MeasureTest, TheTableOfTwoSaysWhichOfThemIsOutsideItsLimits) {
  const std::string pre = sox("-r 8000 -n -b 16", "pre.wav", "synth 2 square 200 gain -20");
  const std::string post = sox("-r 8000 -n -b 16", "post.wav", "synth 2 square 200");
  const CommandResult result = measure("'" + pre + "' '" + post + "'");
  EXPECT_THAT(result.out, HasSubstr("PRE  /"));
  EXPECT_THAT(result.out,
              HasSubstr("parameter                               PRE       POST difference"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("audio_level_dbfs +-20.00 +0.00 +20.00  dBFS +"
                                                   "POST critical\n"));
}

TEST_F(MeasureTest, CsvHasAsManyFieldsInEveryLineAndTheNamesOfBothTaps) {
  const std::string input = "'" + kEnglishPrompt + "'";
  const auto one = lines_of(measure("-f csv -i 5 " + input).out);
  ASSERT_GT(one.size(), 20u);
  EXPECT_EQ(one[0], "start_s,seconds,number,key,unit,group,figure,min,max,count,state\r");
  for (const std::string& line : one) EXPECT_EQ(fields_of(line), 11u) << line;
  const auto two = lines_of(measure("-f csv " + input + " " + input).out);
  EXPECT_THAT(two[0], HasSubstr("pre_figure,pre_min,pre_max,pre_count,pre_state,post_figure"));
  for (const std::string& line : two) EXPECT_EQ(fields_of(line), 17u) << line;
}

TEST_F(MeasureTest, AStationMeasuresWhatItsFileNames) {
  const JsonMeasurement json(measure("-f json -s St_3 '" + kEnglishPrompt + "'").out);
  EXPECT_TRUE(json.parameter("audio_level_dbfs"));
  EXPECT_FALSE(json.parameter("crest_factor_db")) << "St_3 does not have it";
}

TEST_F(MeasureTest, StereoKeepsBothChannels) {
  const std::string stereo =
      sox("-r 48000 -n -b 16 -c 2", "stereo.wav", "synth 1 square 200 remix 1 1v0.1");
  const JsonMeasurement json(measure("-f json '" + stereo + "'").out);
  EXPECT_NEAR(json.figures("audio_level_dbfs").figure, 10 * std::log10((1 + 0.01) / 2), 0.01);
}

TEST_F(MeasureTest, WhatARecordingCannotTellIsAbsent) {
  const JsonMeasurement json(
      measure("-f json '" + kEnglishPrompt + "' '" + kEnglishPrompt + "'").out);
  for (const char* key :
       {"processing_latency_ms", "processing_latency_p95_ms", "dsp_load_pct", "pipeline_latency_ms",
        "cpu_pct", "memory_mb", "packets_received", "mos"}) {
    EXPECT_FALSE(json.parameter(key)) << key;
  }
}

}  // namespace
}  // namespace dragoman::testing
